//! Work in a transaction that is done again when another transaction won.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::Result;

/// How often work is tried when other transactions keep winning. Odoo tries five times with pauses
/// of up to sixteen seconds; ours are short, so that there have to be more.
const ATTEMPTS: u32 = 12;

/// After so many lost races a call is run alone: on a busy machine whoever is slow would lose again
/// and again.
const FREE_ATTEMPTS: u32 = 5;
/// The longest wait for a turn; after that, luck has to do.
const PATIENCE: Duration = Duration::from_secs(3);

/// The calls that write pass through here, side by side until one has lost too often: that one waits
/// for those that are under way and keeps the others waiting until it is done. Other processes on
/// the same database know nothing of it, but they are few.
#[derive(Debug, Default)]
pub struct Turns(RwLock<()>);

enum Turn<'a> {
    WithOthers {
        _held: RwLockReadGuard<'a, ()>,
    },
    Alone {
        _held: RwLockWriteGuard<'a, ()>,
    },
    /// Nobody made way in time.
    Unknown,
}

impl Turns {
    async fn next(&self, attempt: u32) -> Turn<'_> {
        let turn = async {
            if attempt > FREE_ATTEMPTS {
                let _held = self.0.write().await;
                Turn::Alone { _held }
            } else {
                let _held = self.0.read().await;
                Turn::WithOthers { _held }
            }
        };
        tokio::time::timeout(PATIENCE, turn)
            .await
            .unwrap_or(Turn::Unknown)
    }
}

/// Like [`retried`], side by side with others as long as that does, and then alone. `once` must call
/// nothing that waits for a turn.
///
/// # Errors
/// As for [`retried`].
pub async fn in_turn<T>(turns: &Turns, once: impl AsyncFn() -> Result<T>) -> Result<T> {
    let attempt = AtomicU32::new(0);
    retried(async || {
        let nth = attempt.fetch_add(1, Ordering::Relaxed) + 1;
        let turn = turns.next(nth).await;
        let outcome = once().await;
        drop(turn);
        outcome
    })
    .await
}

/// Does `once` again, after a pause, for as long as it fails because another transaction won.
///
/// # Errors
/// Those of `once`; [`crate::error::Error::Conflict`] only when others have won each time.
pub async fn retried<T>(once: impl AsyncFn() -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        match once().await {
            Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                tracing::debug!(attempt, "conflict, trying again");
                back_off(attempt).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Does `work` in a transaction of its own and commits it; as often as it takes.
///
/// # Errors
/// Those of `work` and of the commit. Then nothing was written.
pub async fn in_transaction<T>(
    caller: &Caller,
    intent: Intent,
    work: impl AsyncFn(&Env) -> Result<T>,
) -> Result<T> {
    retried(async || once_in_transaction(caller, intent, &work).await).await
}

/// Like [`in_transaction`], but tried once only: when another transaction wins, nothing is done
/// and that is no error. For work that any later call does as well.
///
/// # Errors
/// Those of `work` and of the commit, except for a lost race.
pub async fn if_undisturbed(caller: &Caller, work: impl AsyncFn(&Env) -> Result<()>) -> Result<()> {
    match once_in_transaction(caller, Intent::Write, &work).await {
        Err(error) if error.is_retryable() => {
            tracing::debug!("conflict, left to the next call");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Does `work` in a transaction of its own and commits it.
///
/// # Errors
/// Those of `work` and of the commit. Then nothing was written.
pub async fn once_in_transaction<T>(
    caller: &Caller,
    intent: Intent,
    work: &impl AsyncFn(&Env) -> Result<T>,
) -> Result<T> {
    let env = caller.begin(intent).await?;
    match work(&env).await {
        Ok(value) => {
            match intent {
                Intent::Read => env.end_reading(),
                Intent::Write | Intent::Work => env.commit().await?,
            }
            Ok(value)
        }
        Err(error) => {
            // The error of the work matters more than one of taking it back, which a dropped
            // connection does as well.
            let _ = env.rollback().await;
            Err(error)
        }
    }
}

/// How often work was tried, for work that is no function of its own (see [`in_work!`]).
#[derive(Debug, Default)]
pub struct Tries(u32);

impl Tries {
    /// Ends the transaction of a try: commits, or takes it back. `None` when another transaction won
    /// and the work is to be done again.
    ///
    /// # Errors
    /// Those of the work and of the commit.
    pub async fn conclude<T>(&mut self, env: Env, outcome: Result<T>) -> Result<Option<T>> {
        let ended = match outcome {
            Ok(value) => env.commit().await.map(|()| value),
            Err(error) => {
                let _ = env.rollback().await;
                Err(error)
            }
        };
        match ended {
            Err(error) if error.is_retryable() && self.0 + 1 < ATTEMPTS => {
                self.0 += 1;
                back_off(self.0).await;
                Ok(None)
            }
            ended => ended.map(Some),
        }
    }
}

/// [`in_transaction`] with [`Intent::Work`], for tasks that go on by themselves: what an async closure
/// borrows keeps a future from being sent to another thread, what a block borrows does not. Ends
/// the function around it with the error of the work.
macro_rules! in_work {
    ($caller:expr, |$env:ident| $work:block) => {{
        let mut tries = $crate::retry::Tries::default();
        loop {
            let owned = $caller.begin($crate::database::Intent::Work).await?;
            let outcome: $crate::error::Result<_> = {
                let $env = &owned;
                async { $work }.await
            };
            if let Some(done) = tries.conclude(owned, outcome).await? {
                break Ok::<_, $crate::error::Error>(done);
            }
        }
    }};
}
pub(crate) use in_work;

async fn back_off(attempt: u32) {
    let spread = rand::random_range(0..(20 << attempt.min(5)));
    tokio::time::sleep(Duration::from_millis(spread)).await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::error::Error;

    fn lost_race() -> Error {
        Error::Conflict(sea_orm::DbErr::Custom("another won".into()))
    }

    #[tokio::test]
    async fn work_is_done_again_until_nobody_else_wins() {
        let done = Cell::new(0);
        let outcome = retried(async || {
            done.set(done.get() + 1);
            if done.get() < 4 {
                Err(lost_race())
            } else {
                Ok(done.get())
            }
        })
        .await;
        assert_eq!(outcome.expect("the fourth attempt succeeds"), 4);
    }

    #[tokio::test]
    async fn other_failures_are_not_tried_again() {
        let done = Cell::new(0);
        let outcome: Result<()> = retried(async || {
            done.set(done.get() + 1);
            Err(Error::User(words::Text::quote("wrong")))
        })
        .await;
        assert!(matches!(outcome, Err(Error::User(_))));
        assert_eq!(done.get(), 1);
    }

    #[tokio::test]
    async fn who_lost_too_often_is_alone_from_then_on() {
        let turns = Turns::default();
        let at_once = Cell::new(0);
        let most_beside_a_loser = Cell::new(0);
        let one = async |losses: u32| {
            let attempts = Cell::new(0);
            in_turn(&turns, async || {
                attempts.set(attempts.get() + 1);
                at_once.set(at_once.get() + 1);
                for _ in 0..3 {
                    if attempts.get() > FREE_ATTEMPTS {
                        most_beside_a_loser.set(most_beside_a_loser.get().max(at_once.get()));
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                at_once.set(at_once.get() - 1);
                if attempts.get() <= losses {
                    Err(lost_race())
                } else {
                    Ok(())
                }
            })
            .await
        };
        let losers = (0..3).map(|_| one(FREE_ATTEMPTS + 1));
        let others = (0..20).map(|nth| one(nth % 3));
        let (losers, others) = futures_util::future::join(
            futures_util::future::join_all(losers),
            futures_util::future::join_all(others),
        )
        .await;
        assert!(losers.iter().chain(&others).all(Result::is_ok));
        assert_eq!(most_beside_a_loser.get(), 1);
    }

    #[tokio::test]
    async fn who_never_wins_is_told_in_the_end() {
        let done = Cell::new(0);
        let outcome: Result<()> = retried(async || {
            done.set(done.get() + 1);
            Err(lost_race())
        })
        .await;
        assert!(matches!(outcome, Err(Error::Conflict(_))));
        assert_eq!(done.get(), ATTEMPTS);
    }
}
