//! One file a model, named after it.

pub mod by_id;
pub mod consent;
pub mod fetchmail_server;
pub mod ir_actions_server;
pub mod ir_attachment;
pub mod ir_config_parameter;
pub mod ir_cron;
pub mod ir_mail_server;
pub mod ir_model;
pub mod ir_model_access;
pub mod ir_model_data;
pub mod ir_model_fields;
pub mod ir_module_module;
pub mod ir_rule;
pub mod mail_alias;
pub mod mail_alias_domain;
pub mod mail_blacklist;
pub mod mail_followers;
pub mod mail_gateway_allowed;
pub mod mail_mail;
pub mod mail_message;
pub mod mail_message_subtype;
pub mod mail_notification;
pub mod mail_thread;
pub mod microsoft_outlook_mixin;
pub mod postern_audit;
pub mod postern_handoff;
pub mod postern_handoff_mail;
pub mod postern_mail_budget;
pub mod postern_mailbox;
pub mod postern_quarantine;
pub mod res_company;
pub mod res_config_settings;
pub mod res_currency;
pub mod res_groups;
pub mod res_lang;
pub mod res_partner;
pub mod res_partner_category;
pub mod res_users;
pub mod res_users_apikeys;
pub mod res_users_apikeys_description;
pub mod res_users_identitycheck;
mod told_reason;

use crate::schema::Model;

/// Every model, in the order in which clients see them.
pub const ALL: &[&Model] = &[
    &ir_mail_server::MODEL,
    &fetchmail_server::MODEL,
    &ir_config_parameter::MODEL,
    &res_config_settings::MODEL,
    &res_users::MODEL,
    &res_groups::MODEL,
    &res_partner::MODEL,
    &res_company::MODEL,
    &mail_mail::MODEL,
    &mail_message::MODEL,
    &ir_attachment::MODEL,
    &ir_model::MODEL,
    &mail_alias::MODEL,
    &mail_alias_domain::MODEL,
    &mail_notification::MODEL,
    &mail_blacklist::MODEL,
    &mail_gateway_allowed::MODEL,
    &mail_followers::MODEL,
    &mail_message_subtype::MODEL,
    &ir_model_fields::MODEL,
    &ir_model_access::MODEL,
    &ir_model_data::MODEL,
    &ir_rule::MODEL,
    &res_lang::MODEL,
    &res_users_apikeys::MODEL,
    &res_users_apikeys_description::MODEL,
    &res_users_identitycheck::MODEL,
    &ir_module_module::MODEL,
    &mail_thread::MODEL,
    &microsoft_outlook_mixin::MODEL,
    &ir_actions_server::MODEL,
    &ir_cron::MODEL,
    &res_currency::MODEL,
    &res_partner_category::MODEL,
    &postern_mail_budget::MODEL,
    &postern_quarantine::MODEL,
    &postern_audit::MODEL,
    &postern_handoff::MODEL,
    &postern_handoff_mail::MODEL,
    &postern_mailbox::MODEL,
];
