//! `#[derive(OdooFields)]`: reads the columns of a sea-orm entity into its `FIELDS`, and gives the
//! entity a `Debug` that shows no values.
//!
//! The doc comment of a column becomes the field's help text, its Rust type the kind of field and
//! whether a value is required; `#[odoo(...)]` says what the type cannot.

use darling::{FromDeriveInput, FromField, ast};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, DeriveInput, Expr, ExprLit, Lit, Meta, Path, Type};

/// What `#[odoo(...)]` may say of a column.
#[derive(FromField)]
#[darling(attributes(odoo), forward_attrs(doc))]
struct Column {
    ident: Option<syn::Ident>,
    ty: Type,
    attrs: Vec<Attribute>,
    /// The label a person reads; made from the name when left out.
    label: Option<String>,
    /// The field is of kind Text instead of Char.
    #[darling(default)]
    text: bool,
    /// The field is of kind Html instead of Char.
    #[darling(default)]
    html: bool,
    /// The constant with the values of a selection.
    selection: Option<Path>,
    /// The model a many2one points to.
    many2one: Option<String>,
    /// The field that names the model of a many2one_reference.
    reference: Option<String>,
    /// The texts differ by language.
    #[darling(default)]
    translate: bool,
    /// Forms do not edit it.
    #[darling(default)]
    readonly: bool,
    /// A record needs a value although the column takes none.
    #[darling(default)]
    required: bool,
    /// A value may be left out although the column needs one: a hook fills it.
    #[darling(default)]
    filled: bool,
    /// Copies do not take it over.
    #[darling(default)]
    no_copy: bool,
    /// Groups of which a user needs one.
    #[darling(default)]
    groups: String,
    /// The value is sealed in the database (see `vault`).
    #[darling(default)]
    secret: bool,
    /// The longest text.
    #[darling(default)]
    size: u32,
    /// The value in new records: a literal.
    default: Option<Lit>,
    /// The function that gives the value in new records.
    default_fn: Option<Path>,
    /// The value is worked out from these comma-separated fields and kept by the model's hooks.
    kept: Option<String>,
    /// The column is not a field: callers never see it.
    #[darling(default)]
    hidden: bool,
}

#[derive(FromDeriveInput)]
#[darling(supports(struct_named))]
struct Entity {
    ident: syn::Ident,
    data: ast::Data<(), Column>,
}

/// Gives the entity a constant `FIELDS: &[Field]`, a line for each column, and a `Debug` that shows
/// only the id.
#[proc_macro_derive(OdooFields, attributes(odoo))]
pub fn odoo_fields(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    match expand(&input) {
        Ok(tokens) => tokens.into(),
        Err(error) => error.write_errors().into(),
    }
}

fn expand(input: &DeriveInput) -> darling::Result<TokenStream> {
    let entity = Entity::from_derive_input(input)?;
    let columns = entity
        .data
        .take_struct()
        .map(|fields| fields.fields)
        .unwrap_or_default();
    let lines = columns
        .iter()
        .filter(|column| !column.hidden)
        .map(field_line)
        .collect::<darling::Result<Vec<_>>>()?;
    let ident = entity.ident;
    let opening = opening(&columns);
    Ok(quote! {
        impl #ident {
            /// The fields that have a column, in the order of the table.
            pub const FIELDS: &'static [crate::schema::Field] = &[#(#lines),*];

            #opening
        }

        // Rows hold passwords and tokens, so a row shows nothing of itself but which it is.
        impl ::std::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}({})", module_path!(), self.id)
            }
        }
    })
}

/// For an entity with secrets, how a row that was read comes by them.
fn opening(columns: &[Column]) -> TokenStream {
    let secrets: Vec<_> = columns
        .iter()
        .filter(|column| column.secret)
        .filter_map(|column| column.ident.as_ref())
        .collect();
    if secrets.is_empty() {
        return TokenStream::new();
    }
    let names = secrets.iter().map(ToString::to_string);
    quote! {
        /// Opens the secrets of a row that was read, in place.
        ///
        /// # Errors
        /// When one of them is sealed and does not open.
        pub fn open_secrets(&mut self, vault: &crate::vault::Vault) -> crate::error::Result<()> {
            let table = ::sea_orm::EntityName::table_name(&Entity);
            #(
                let place = crate::vault::place(table, #names, self.id);
                crate::vault::Secret::open(&mut self.#secrets, vault, &place)?;
            )*
            Ok(())
        }
    }
}

fn field_line(column: &Column) -> darling::Result<TokenStream> {
    let name = column
        .ident
        .as_ref()
        .map(|ident| ident.to_string().trim_start_matches("r#").to_owned())
        .unwrap_or_default();
    let (optional, rust_type) = inner_type(&column.ty);
    let kind = kind_of(column, &rust_type)?;
    let label = column.label.clone().unwrap_or_else(|| label_from(&name));
    let help = help_of(&column.attrs);
    let log_column = matches!(
        name.as_str(),
        "id" | "create_uid" | "write_uid" | "create_date" | "write_date"
    );
    let required = (column.required || !optional) && !column.filled && name != "id";
    let readonly = column.readonly || log_column || column.kept.is_some();
    let copied = !(column.no_copy || log_column || column.kept.is_some());
    let depends: Vec<&str> = column
        .kept
        .as_deref()
        .map(|names| {
            names
                .split(',')
                .map(str::trim)
                .filter(|n| !n.is_empty())
                .collect()
        })
        .unwrap_or_default();
    let kept = column.kept.is_some();
    let default = default_of(column)?;
    let (translate, groups, size) = (column.translate, &column.groups, column.size);
    let secret = column.secret;
    // What is kept as an object and is not one text a language is one value a company.
    let company_dependent = rust_type == "Json" && !translate;
    Ok(quote! {
        crate::schema::Field {
            help: #help,
            column: true,
            required: #required,
            readonly: #readonly,
            copied: #copied,
            translate: #translate,
            company_dependent: #company_dependent,
            groups: #groups,
            secret: #secret,
            size: #size,
            default: #default,
            depends: &[#(#depends),*],
            kept: #kept,
            ..crate::schema::field(#name, #label, #kind)
        }
    })
}

fn kind_of(column: &Column, rust_type: &str) -> darling::Result<TokenStream> {
    let kind = |name: &str| {
        let name = syn::Ident::new(name, proc_macro2::Span::call_site());
        quote! { crate::schema::Kind::#name }
    };
    if let Some(model) = &column.many2one {
        return Ok(quote! { crate::schema::Kind::Many2one(#model) });
    }
    if let Some(field) = &column.reference {
        return Ok(quote! { crate::schema::Kind::Many2oneReference(#field) });
    }
    if let Some(values) = &column.selection {
        return Ok(quote! { crate::schema::Kind::Selection(#values) });
    }
    if column.text {
        return Ok(kind("Text"));
    }
    if column.html {
        return Ok(kind("Html"));
    }
    match rust_type {
        "String" | "Json" => Ok(kind("Char")),
        "i32" => Ok(kind("Integer")),
        "f64" | "Decimal" => Ok(kind("Float")),
        "bool" => Ok(kind("Boolean")),
        "NaiveDate" | "Date" => Ok(kind("Date")),
        "NaiveDateTime" | "DateTime" => Ok(kind("Datetime")),
        "Vec" => Ok(kind("Binary")),
        other => Err(darling::Error::custom(format!(
            "no kind of field is known for the type {other}; use String, i32, f64, bool, NaiveDate, NaiveDateTime, Vec<u8> or Json"
        ))
        .with_span(&column.ty)),
    }
}

fn default_of(column: &Column) -> darling::Result<TokenStream> {
    if let Some(function) = &column.default_fn {
        return Ok(quote! { crate::schema::Default::Call(#function) });
    }
    match &column.default {
        None => Ok(quote! { crate::schema::Default::Absent }),
        Some(Lit::Str(text)) => Ok(quote! { crate::schema::Default::Text(#text) }),
        Some(Lit::Int(number)) => Ok(quote! { crate::schema::Default::Int(#number) }),
        Some(Lit::Bool(truth)) => Ok(quote! { crate::schema::Default::Bool(#truth) }),
        Some(other) => Err(darling::Error::custom(
            "a default is a text, a whole number, true or false; use default_fn for anything else",
        )
        .with_span(other)),
    }
}

/// Whether the type is an `Option`, and the last part of the name of what it holds.
fn inner_type(ty: &Type) -> (bool, String) {
    let Type::Path(path) = ty else {
        return (false, String::new());
    };
    let Some(last) = path.path.segments.last() else {
        return (false, String::new());
    };
    if last.ident == "Option"
        && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
    {
        return (true, inner_type(inner).1);
    }
    (false, last.ident.to_string())
}

fn help_of(attrs: &[Attribute]) -> String {
    let lines: Vec<String> = attrs
        .iter()
        .filter_map(|attr| match &attr.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    lines.join(" ").trim().to_owned()
}

fn label_from(name: &str) -> String {
    let words = name.trim_end_matches("_ids").trim_end_matches("_id");
    words
        .split('_')
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_uppercase().chain(letters).collect::<String>())
                .unwrap_or_default()
        })
        .collect::<Vec<_>>()
        .join(" ")
}
