//! The list of what somebody owns: searched, filtered and cut into pages.
//!
//! The one rule: counts are of everything owned that fits the words; the filter only chooses what is listed.

use super::store;
use super::store::Owned;
use crate::orders::LineState;
use base::db::{self, Tx};
use unicode_normalization::UnicodeNormalization as _;

/// Lines on one page.
pub const PAGE: usize = 48;
/// The longest question, in characters; more of it is not looked at.
const MAX_WORDS: usize = 100;

/// How a line stands for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Paid for, and the recipe not opened yet.
    Unopened,
    /// Its recipe may be read.
    Opened,
    /// Given back.
    Refunded,
}

impl Standing {
    /// All of them, in the order in which the page offers them.
    pub const ALL: [Self; 3] = [Self::Opened, Self::Unopened, Self::Refunded];

    /// The word in addresses and names of texts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unopened => "unopened",
            Self::Opened => "opened",
            Self::Refunded => "refunded",
        }
    }

    /// The standing with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl Owned {
    /// How it stands for its owner. What was free is open from the first day.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (self.state, self.opened_ms) {
            (LineState::Refunded, _) => Standing::Refunded,
            (_, None) if self.price_minor > 0 => Standing::Unopened,
            _ => Standing::Opened,
        }
    }
}

/// What is asked of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub words: String,
    pub standing: Option<Standing>,
    /// From one on.
    pub page: usize,
}

/// A page of the list.
pub struct Shelf {
    pub rows: Vec<Owned>,
    /// How many lines fit the words, of each standing in the order of [`Standing::ALL`].
    pub counts: [usize; 3],
    /// How many fit words and standing.
    pub total: usize,
    pub page: usize,
    pub pages: usize,
    /// Whether anything is owned at all.
    pub is_empty: bool,
}

fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

/// Cuts the page that was asked for out of everything owned.
fn cut(owned: Vec<Owned>, asked: &Asked) -> Shelf {
    let is_empty = owned.is_empty();
    let words: String = asked.words.chars().take(MAX_WORDS).collect();
    let words = folded(&words);
    let words: Vec<&str> = words.split_whitespace().collect();
    let fits = |row: &Owned| {
        let text = folded(&format!("{} {}", row.title, row.handle));
        words.iter().all(|word| text.contains(word))
    };
    let fitting: Vec<Owned> = owned.into_iter().filter(fits).collect();
    let counts = Standing::ALL.map(|standing| {
        fitting
            .iter()
            .filter(|row| row.standing() == standing)
            .count()
    });
    let rows: Vec<Owned> = fitting
        .into_iter()
        .filter(|row| {
            asked
                .standing
                .is_none_or(|standing| row.standing() == standing)
        })
        .collect();
    let total = rows.len();
    let pages = total.div_ceil(PAGE).max(1);
    let page = asked.page.clamp(1, pages);
    let rows = rows
        .into_iter()
        .skip((page - 1) * PAGE)
        .take(PAGE)
        .collect();
    Shelf {
        rows,
        counts,
        total,
        page,
        pages,
        is_empty,
    }
}

/// What a buyer owns, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, buyer: &str, asked: &Asked) -> db::Result<Shelf> {
    Ok(cut(store::list_owned(tx, buyer).await?, asked))
}

#[cfg(test)]
mod tests {
    use super::{Asked, Owned, PAGE, Standing, cut};
    use crate::orders::LineState;

    fn owned(title: &str, state: LineState, opened_ms: Option<i64>) -> Owned {
        Owned {
            id: title.into(),
            purchase_id: "order".into(),
            state,
            paid_ms: Some(1),
            opened_ms,
            price_minor: 300,
            title: title.into(),
            slug: title.into(),
            handle: "mira".into(),
            blob: String::new(),
            width: 128,
            height: 128,
            has_newer: false,
        }
    }

    #[test]
    fn words_are_found_in_any_order_and_case_and_counts_do_not_follow_the_filter() {
        let shelf = || {
            vec![
                owned("Cool Cats", LineState::Owned, Some(2)),
                owned("ＣＡＴ row", LineState::Owned, None),
                owned("Old cat", LineState::Refunded, None),
                owned("Dogs", LineState::Owned, Some(2)),
            ]
        };
        let asked = Asked {
            words: "MIRA cat".into(),
            standing: Some(Standing::Unopened),
            page: 1,
        };
        let found = cut(shelf(), &asked);
        assert_eq!(found.counts, [1, 1, 1]);
        assert_eq!(found.total, 1);
        assert_eq!(found.rows[0].title, "ＣＡＴ row");
        assert_eq!(cut(shelf(), &Asked::default()).total, 4);
    }

    #[test]
    fn a_page_beyond_the_last_is_the_last() {
        let many = (0..PAGE + 5).map(|n| owned(&n.to_string(), LineState::Owned, Some(2)));
        let asked = Asked {
            page: 99,
            ..Asked::default()
        };
        let found = cut(many.collect(), &asked);
        assert_eq!((found.page, found.pages, found.rows.len()), (2, 2, 5));
    }
}
