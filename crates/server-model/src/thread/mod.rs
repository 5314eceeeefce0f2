//! What makes a record a conversation: messages posted on it, followers, and who is told.
//!
//! These are functions over the record's model and id; a model takes part by listing
//! [`fields`] among its virtual fields and [`METHODS`] among its methods.

pub mod fields;
pub mod follow;
pub mod notify;
pub mod post;

use futures_util::FutureExt;

use crate::schema::{Method, method};

/// The methods of a model whose records are conversations.
pub const METHODS: [Method; 3] = [
    method("message_post", &["**"], |call| {
        post::message_post(call).boxed()
    }),
    method(
        "message_subscribe",
        &["partner_ids?", "subtype_ids?"],
        |call| follow::message_subscribe(call).boxed(),
    ),
    method("message_unsubscribe", &["partner_ids?"], |call| {
        follow::message_unsubscribe(call).boxed()
    }),
];

/// The two lists as one, for a model's own fields or methods and those of conversations.
///
/// # Panics
/// While compiling, when `N` is not the sum of the lengths.
pub const fn joined<T: Copy, const A: usize, const B: usize, const N: usize>(
    first: [T; A],
    second: [T; B],
) -> [T; N] {
    assert!(
        A + B == N && A > 0,
        "the length must be the sum of the lengths"
    );
    let mut all = [first[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < A { first[at] } else { second[at - A] };
        at += 1;
    }
    all
}
