//! Step 5: links and currencies of Odoo's that clients ask for, in Odoo's own tables, and a place
//! for what Postern remembers of itself.

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::home;
use crate::schema::OnDelete::{Cascade, SetNull};
use crate::schema::{
    Table, boolean, id, index, integer, jsonb, numeric, text, timestamp, unique, varchar,
};

pub(crate) const TABLES: &[Table] = &[
    STARRED,
    RULE_GROUPS,
    FIELD_GROUPS,
    TAG,
    PARTNER_TAGS,
    CURRENCY,
    STATE,
];

/// The messages that a contact has marked with a star.
const STARRED: Table = Table::new(
    "mail_message_res_partner_starred_rel",
    &[
        integer("mail_message_id")
            .not_null()
            .references("mail_message", Cascade),
        integer("res_partner_id")
            .not_null()
            .references("res_partner", Cascade),
    ],
)
.primary_key(&["mail_message_id", "res_partner_id"])
.indexes(&[index(
    "mail_message_res_partner_starred_rel_reverse_idx",
    &["res_partner_id", "mail_message_id"],
)]);

/// The groups that a record rule is for.
const RULE_GROUPS: Table = Table::new(
    "rule_group_rel",
    &[
        integer("rule_group_id")
            .not_null()
            .references("ir_rule", Cascade),
        integer("group_id")
            .not_null()
            .references("res_groups", Cascade),
    ],
)
.primary_key(&["rule_group_id", "group_id"]);

/// The groups that a field is for.
const FIELD_GROUPS: Table = Table::new(
    "ir_model_fields_group_rel",
    &[
        integer("field_id")
            .not_null()
            .references("ir_model_fields", Cascade),
        integer("group_id")
            .not_null()
            .references("res_groups", Cascade),
    ],
)
.primary_key(&["field_id", "group_id"]);

/// The tags of contacts.
const TAG: Table = Table::new(
    "res_partner_category",
    &[
        id(),
        integer("color"),
        integer("parent_id")
            .references("res_partner_category", Cascade)
            .indexed(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("parent_path").indexed(),
        jsonb("name").not_null(),
        boolean("active"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);

/// Which contact has which tags.
const PARTNER_TAGS: Table = Table::new(
    "res_partner_res_partner_category_rel",
    &[
        integer("category_id")
            .not_null()
            .references("res_partner_category", Cascade),
        integer("partner_id")
            .not_null()
            .references("res_partner", Cascade),
    ],
)
.primary_key(&["category_id", "partner_id"])
.indexes(&[index(
    "res_partner_res_partner_category_rel_reverse_idx",
    &["partner_id", "category_id"],
)]);

/// Every company of Odoo's counts in some currency.
const CURRENCY: Table = Table::new(
    "res_currency",
    &[
        id(),
        varchar("name").not_null(),
        varchar("symbol").not_null(),
        integer("decimal_places"),
        varchar("full_name"),
        varchar("position"),
        jsonb("currency_unit_label"),
        jsonb("currency_subunit_label"),
        numeric("rounding"),
        boolean("active"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.constraints(&[unique("res_currency_unique_name", &["name"])]);

/// What the program remembers of itself between starts, by name.
const STATE: Table = Table::new(
    "postern_state",
    &[varchar("name").not_null(), text("value").not_null()],
)
.primary_key(&["name"]);

/// The currencies of a new database. Its company counts in the first one.
const CURRENCIES: &[(&str, &str, &str, &str)] = &[
    ("USD", "$", "United States dollar", "before"),
    ("EUR", "€", "Euro", "after"),
];

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0005_links"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        emit::create_missing(db, TABLES).await?;
        if home::is_adopted(db).await? {
            return Ok(());
        }
        let any = Query::select()
            .column("id")
            .from("res_currency")
            .limit(1)
            .to_owned();
        if db.query_one(&any).await?.is_some() {
            return Ok(());
        }
        let mut insert = Query::insert();
        insert.into_table("res_currency").columns([
            "name",
            "symbol",
            "full_name",
            "position",
            "decimal_places",
            "rounding",
            "active",
        ]);
        for (name, symbol, full_name, position) in CURRENCIES {
            let row: [SimpleExpr; 7] = [
                (*name).into(),
                (*symbol).into(),
                (*full_name).into(),
                (*position).into(),
                2.into(),
                Expr::cust("0.01"),
                true.into(),
            ];
            insert.values(row).map_err(|error| {
                DbErr::Custom(format!("the currency {name} is malformed: {error}"))
            })?;
        }
        db.execute(&insert).await?;
        Ok(())
    }
}
