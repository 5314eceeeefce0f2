//! `mail.thread`: what every model with messages has in common. It has no records of its own; mail
//! programs call it to hand in what they received.

use futures_util::FutureExt;

use crate::gateway::process;
use crate::schema::{self, model, outside_method};

pub const MODEL: schema::Model = model("mail.thread", "Email Thread", "")
    .rec_name("")
    .methods(&[outside_method(
        "message_process",
        &[
            "model",
            "message",
            "custom_values?",
            "save_original?",
            "strip_attachments?",
            "thread_id?",
        ],
        |call| process::message_process(call).boxed(),
    )
    .of_model()
    // What is handed in is believed to come from whom it says, so not everybody may do it.
    .groups("base.group_user")]);
