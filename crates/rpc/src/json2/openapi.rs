//! The OpenAPI description of `/json/2`, made from the registry: what is declared is described.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use server_model::registry::{Entry, registry};
use server_model::schema::{Field, Kind, Method};

/// The document as JSON text. The registry does not change while the program runs, so it is
/// written once.
pub fn document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| build().to_string());
    &TEXT
}

fn build() -> Value {
    let mut paths = Map::new();
    let mut schemas = shared_schemas();
    let mut tags = Vec::new();
    for entry in registry().iter() {
        tags.push(json!({ "name": entry.name(), "description": entry.model.description }));
        schemas.insert(entry.name().to_owned(), record(entry));
        let mut methods: Vec<&Method> = entry.methods.values().collect();
        methods.sort_by_key(|method| method.name);
        for method in methods {
            let path = format!("/json/2/{}/{}", entry.name(), method.name);
            paths.insert(path, json!({ "post": operation(entry, method) }));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Postern",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every model and method, called by name. An empty field reads as false, \
                            whatever its type; moments are in UTC, written YYYY-MM-DD HH:MM:SS.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "apiKey": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Refused": refused() },
            "parameters": { "Database": database_header() },
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of a user, as res.users.apikeys.description makes them.",
                },
            },
        },
    })
}

fn shared_schemas() -> Map<String, Value> {
    let schemas = json!({
        "Ids": {
            "type": "array",
            "items": { "type": "integer" },
            "description": "The records the method is called on.",
        },
        "Context": {
            "type": "object",
            "description": "lang, tz, active_test, default_<field> and the like.",
        },
        "Domain": {
            "type": "array",
            "items": {},
            "description": "Conditions [field, operator, value], with the prefixes \"&\", \"|\" and \"!\".",
            "examples": [[["name", "ilike", "mail"]]],
        },
        "Specification": {
            "type": "object",
            "additionalProperties": { "type": "object" },
            "description": "The fields wanted, and of relations what is wanted behind them.",
        },
        "Error": {
            "type": "object",
            "properties": {
                "name": { "type": "string", "description": "The exception, by Odoo's name." },
                "message": { "type": "string" },
                "arguments": { "type": "array", "items": {} },
                "context": { "type": "object" },
                "debug": { "type": "string", "description": "Leads to the line in the server's log." },
            },
            "required": ["name", "message", "arguments", "context", "debug"],
        },
    });
    match schemas {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    }
}

fn refused() -> Value {
    json!({
        "description": "401: no valid key. 403: no right. 404: no such database, model, method or \
                        record. 409: another change won, try again. 422: the arguments or the data \
                        do not fit. 500: a defect or the database.",
        "content": { "application/json": { "schema": reference("Error") } },
    })
}

fn database_header() -> Value {
    json!({
        "name": "X-Odoo-Database",
        "in": "header",
        "required": false,
        "schema": { "type": "string" },
        "description": "The name of the database, to be sure that it is the one meant.",
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn operation(entry: &Entry, method: &Method) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    if method.on_records {
        properties.insert("ids".into(), reference("Ids"));
    }
    for param in method.params.iter().filter(|param| **param != "**") {
        let name = param.trim_end_matches('?');
        properties.insert(name.to_owned(), parameter(entry, name));
        if *param == name {
            required.push(name);
        }
    }
    properties.insert("context".into(), reference("Context"));
    let mut body = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": method.params.contains(&"**"),
    });
    if !required.is_empty() {
        body["required"] = json!(required);
    }
    let mut operation = json!({
        "tags": [entry.name()],
        "operationId": format!("{}.{}", entry.name(), method.name),
        "parameters": [{ "$ref": "#/components/parameters/Database" }],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": body } },
        },
        "responses": {
            "200": {
                "description": "What the method returned.",
                "content": { "application/json": { "schema": result(entry, method.name) } },
            },
            "default": { "$ref": "#/components/responses/Refused" },
        },
    });
    if !method.groups.is_empty() {
        operation["x-groups"] = json!(method.groups.split(',').collect::<Vec<_>>());
    }
    operation
}

/// What is known of a parameter by its name: the common methods use the same names for the same
/// things. Of others nothing is claimed.
fn parameter(entry: &Entry, name: &str) -> Value {
    match name {
        "domain" | "args" => reference("Domain"),
        "specification" | "fields_spec" => reference("Specification"),
        "fields" | "allfields" | "attributes" | "fields_list" | "field_names" => {
            json!({ "type": "array", "items": { "type": "string" } })
        }
        "offset" | "limit" | "count_limit" => json!({ "type": ["integer", "null"] }),
        "order" | "orderby" => json!({ "type": ["string", "null"] }),
        "vals" | "values" | "default" => reference(entry.name()),
        "vals_list" => json!({
            "oneOf": [
                reference(entry.name()),
                { "type": "array", "items": reference(entry.name()) },
            ],
        }),
        _ => json!({}),
    }
}

fn result(entry: &Entry, method: &str) -> Value {
    match method {
        "read" | "search_read" | "web_read" | "web_save" => {
            json!({ "type": "array", "items": reference(entry.name()) })
        }
        "web_search_read" => json!({
            "type": "object",
            "properties": {
                "length": { "type": "integer" },
                "records": { "type": "array", "items": reference(entry.name()) },
            },
        }),
        "search" | "copy" => json!({ "type": "array", "items": { "type": "integer" } }),
        "search_count" => json!({ "type": "integer" }),
        "write" | "unlink" | "has_access" => json!({ "type": "boolean" }),
        _ => json!({}),
    }
}

fn record(entry: &Entry) -> Value {
    let fields: Map<String, Value> = entry
        .fields
        .values()
        .map(|field| (field.name.to_owned(), property(field)))
        .collect();
    json!({
        "type": "object",
        "description": entry.model.description,
        "properties": fields,
    })
}

fn property(field: &Field) -> Value {
    let mut schema = or_false(field.kind);
    schema["title"] = field.label.into();
    if !field.help.is_empty() {
        schema["description"] = field.help.into();
    }
    if field.readonly {
        schema["readOnly"] = true.into();
    }
    if !field.groups.is_empty() {
        schema["x-groups"] = json!(field.groups.split(',').collect::<Vec<_>>());
    }
    schema
}

/// The values of a field, among them `false` for "nothing" where the type has no other.
fn or_false(kind: Kind) -> Value {
    let value = match kind {
        Kind::Boolean => return json!({ "type": "boolean" }),
        Kind::Integer => return json!({ "type": "integer" }),
        Kind::Float => return json!({ "type": "number" }),
        Kind::One2many { model, .. } | Kind::Many2many { model, .. } => {
            return json!({
                "type": "array",
                "items": {},
                "description": "Ids when read, commands (0 to 6) when written.",
                "x-relation": model,
            });
        }
        Kind::Selection(values) => {
            let mut values: Vec<Value> = values.iter().map(|(value, _)| (*value).into()).collect();
            if values.is_empty() {
                return json!({ "type": ["string", "boolean"] });
            }
            values.push(false.into());
            return json!({ "enum": values });
        }
        Kind::Many2one(model) => {
            return json!({
                "anyOf": [
                    { "type": "integer" },
                    { "type": "array", "prefixItems": [{ "type": "integer" }, { "type": "string" }] },
                    { "const": false },
                ],
                "x-relation": model,
            });
        }
        Kind::Many2oneReference(_) => json!({ "type": "integer" }),
        Kind::Char | Kind::Text | Kind::Html => json!({ "type": "string" }),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Datetime => {
            json!({ "type": "string", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$" })
        }
        Kind::Binary => json!({ "type": "string", "contentEncoding": "base64" }),
    };
    json!({ "anyOf": [value, { "const": false }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed() -> Value {
        serde_json::from_str(document()).expect("the document is JSON")
    }

    #[test]
    fn every_method_of_every_model_is_described_and_nothing_else() {
        let document = parsed();
        let paths = document["paths"].as_object().expect("paths");
        let mut count = 0;
        for entry in registry().iter() {
            for method in entry.methods.values() {
                let path = format!("/json/2/{}/{}", entry.name(), method.name);
                let post = &paths[&path]["post"];
                let body = &post["requestBody"]["content"]["application/json"]["schema"];
                assert_eq!(
                    body["properties"].get("ids").is_some(),
                    method.on_records || method.params.contains(&"ids?"),
                    "{path}"
                );
                count += 1;
            }
        }
        assert_eq!(paths.len(), count);
    }

    #[test]
    fn the_arguments_that_must_be_given_are_named() {
        let document = parsed();
        let body = |path: &str| {
            document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
                .clone()
        };
        let write = body("/json/2/ir.mail_server/write");
        assert_eq!(write["required"], json!(["vals"]));
        assert_eq!(write["additionalProperties"], json!(false));
        let search_read = body("/json/2/ir.mail_server/search_read");
        assert!(search_read.get("required").is_none());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(target)) = members.get("$ref") {
                        found.push(target);
                    }
                    members
                        .values()
                        .for_each(|member| references(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = parsed();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100);
        for target in found {
            let pointer = target
                .strip_prefix('#')
                .expect("a reference within the document");
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
    }

    #[test]
    fn a_field_tells_its_type_and_who_may_see_it() {
        let document = parsed();
        let fields = &document["components"]["schemas"]["ir.mail_server"]["properties"];
        assert_eq!(fields["active"]["type"], "boolean");
        assert_eq!(fields["smtp_port"]["type"], "integer");
        assert_eq!(fields["create_uid"]["x-relation"], "res.users");
        assert_eq!(
            fields["smtp_pass"]["x-groups"],
            json!(["base.group_system"])
        );
        let choices = fields["smtp_encryption"]["enum"]
            .as_array()
            .expect("choices");
        assert!(choices.contains(&json!("starttls")) && choices.contains(&json!(false)));
    }
}
