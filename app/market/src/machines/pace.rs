//! How long pictures take: measured by model and size, for who waits and for whose turn it is.
//!
//! The one rule: steps and the rest are measured apart, for a picture of few steps is mostly the rest.

use super::store;
pub use super::store::Pace;
use base::db::{self, Tx};
use base::jobs::{Job, turns};
use base::random;

/// What a step of 128 × 128 pixels is taken for while nothing was measured, in microseconds. Only turns are counted by it; nobody is told.
const GUESS_US: i64 = 50_000;
const GUESS_PIXELS: i64 = 128 * 128;

impl Pace {
    /// Pictures of so many steps each, in milliseconds.
    fn cost_ms(self, steps: i64, pictures: i64) -> i64 {
        let one = self
            .step_us
            .saturating_mul(steps)
            .saturating_add(self.rest_us);
        (one.saturating_mul(pictures) / 1000).max(1)
    }

    /// An eighth of the way to what was measured anew.
    fn towards(self, new: Self) -> Self {
        let near = |old: i64, new: i64| (old + (new - old) / 8).max(0);
        Self {
            step_us: near(self.step_us, new.step_us).max(1),
            rest_us: near(self.rest_us, new.rest_us),
        }
    }

    /// The same for a picture of another size, by its pixels.
    fn scaled(self, from: (i64, i64), to: (i64, i64)) -> Self {
        let pixels = |size: (i64, i64)| size.0.saturating_mul(size.1).max(1);
        let part = |us: i64| us.saturating_mul(pixels(to)) / pixels(from);
        Self {
            step_us: part(self.step_us).max(1),
            rest_us: part(self.rest_us),
        }
    }
}

/// Takes what a picture took into what is known of its model and size.
///
/// # Errors
/// When the database fails.
pub async fn note(tx: &mut Tx, model: &str, size: (i64, i64), took: Pace) -> db::Result<()> {
    let known = store::find_pace(tx, model, size).await?;
    let now = known.map_or(took, |known| known.towards(took));
    store::set_pace(tx, model, size, now).await
}

/// What was measured of a model and a size.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, model: &str, size: (i64, i64)) -> db::Result<Option<Pace>> {
    store::find_pace(tx, model, size).await
}

/// What pictures will take, in milliseconds; by another size of the model, or a guess, where it was not measured.
///
/// # Errors
/// When the database fails.
pub async fn cost_ms(
    tx: &mut Tx,
    model: &str,
    size: (i64, i64),
    steps: i64,
    pictures: i64,
) -> db::Result<i64> {
    let pace = match store::find_pace(tx, model, size).await? {
        Some(pace) => pace,
        None => match store::find_any_pace(tx, model).await? {
            Some((width, height, step_us, rest_us)) => {
                Pace { step_us, rest_us }.scaled((width, height), size)
            }
            None => Pace {
                step_us: GUESS_US,
                rest_us: 0,
            }
            .scaled((GUESS_PIXELS, 1), size),
        },
    };
    Ok(pace.cost_ms(steps, pictures))
}

/// Work that is being done, and what is known of its pace.
pub struct Course<'a> {
    job: &'a Job,
    known: Option<Pace>,
}

impl<'a> Course<'a> {
    /// Begins it with what was measured before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(
        tx: &mut Tx,
        job: &'a Job,
        model: &str,
        size: (i64, i64),
    ) -> db::Result<Self> {
        Ok(Self {
            known: find(tx, model, size).await?,
            job,
        })
    }

    /// Writes down when it will be done: so many steps and so many pictures, the one that is made among them, are left. What this very
    /// picture's steps took says more than what others took.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note(
        &self,
        tx: &mut Tx,
        steps: i64,
        pictures: i64,
        step_us: Option<i64>,
    ) -> db::Result<()> {
        let left = left_us(self.known, steps, pictures, step_us);
        let eta = left.map(|left| random::real_now_ms() + left / 1000);
        turns::note_eta(tx, self.job, eta).await
    }
}

fn left_us(known: Option<Pace>, steps: i64, pictures: i64, step_us: Option<i64>) -> Option<i64> {
    let step_us = step_us.or(known.map(|known| known.step_us))?;
    let rest_us = known.map_or(0, |known| known.rest_us);
    let steps = step_us.saturating_mul(steps.max(0));
    Some(steps.saturating_add(rest_us.saturating_mul(pictures)))
}

#[cfg(test)]
mod tests {
    use super::{Pace, left_us};

    const SLOW: Pace = Pace {
        step_us: 2_000_000,
        rest_us: 8_000_000,
    };

    #[test]
    fn what_comes_beside_the_steps_counts_for_every_picture() {
        assert_eq!(SLOW.cost_ms(30, 1), 68_000);
        assert_eq!(SLOW.cost_ms(1, 4), 40_000);
    }

    #[test]
    fn what_was_measured_is_followed_slowly() {
        let new = Pace {
            step_us: 2_800_000,
            rest_us: 0,
        };
        let next = SLOW.towards(new);
        assert_eq!((next.step_us, next.rest_us), (2_100_000, 7_000_000));
    }

    #[test]
    fn another_size_takes_as_much_more_as_it_has_pixels() {
        let large = SLOW.scaled((512, 512), (1024, 512));
        assert_eq!((large.step_us, large.rest_us), (4_000_000, 16_000_000));
    }

    #[test]
    fn what_is_left_follows_this_pictures_own_steps_where_there_are_any() {
        assert_eq!(left_us(Some(SLOW), 10, 1, None), Some(28_000_000));
        assert_eq!(
            left_us(Some(SLOW), 10, 1, Some(1_000_000)),
            Some(18_000_000)
        );
        assert_eq!(left_us(None, 10, 1, Some(1_000_000)), Some(10_000_000));
        assert_eq!(left_us(None, 10, 1, None), None);
    }
}
