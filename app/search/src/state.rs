//! One state of everything but words: rows, orders, and which listings have which value.
//!
//! The one rule: only live places are in a set or an order; states share what did not change.

use crate::columns::{Columns, Named, Place};
use crate::language::Language;
use crate::orders::{Difference, Orders};
use crate::request::PriceBand;
use crate::row::{Numbers, Row};
use roaring::RoaringBitmap;
use schema::licence::Licence;
use schema::listing::Category;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

/// A set that states share.
pub(crate) type Set = Arc<RoaringBitmap>;

/// Values that have names, with the places that have them.
#[derive(Clone, Default)]
pub(crate) struct Names {
    /// Names in their order, for what begins somehow.
    sorted: Arc<BTreeMap<Arc<str>, u32>>,
    by_name: Arc<HashMap<Arc<str>, u32>>,
    names: Arc<Vec<Arc<str>>>,
    sets: Vec<Set>,
    /// Numbers by the size of their sets, the largest first; made when it is first asked for.
    by_size: Arc<OnceLock<Vec<u32>>>,
}

impl Names {
    /// The number of a name, which is new or not.
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let shared: Arc<str> = name.into();
        Arc::make_mut(&mut self.names).push(shared.clone());
        Arc::make_mut(&mut self.by_name).insert(shared.clone(), number);
        Arc::make_mut(&mut self.sorted).insert(shared, number);
        self.sets.push(Set::default());
        number
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }

    pub(crate) fn set(&self, number: u32) -> Option<&Set> {
        self.sets.get(number as usize)
    }

    /// How many names there are.
    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// The largest sets, so many of them, the largest first: size and number.
    pub(crate) fn largest(&self, most: usize) -> Vec<(u64, u32)> {
        let size = |number: u32| self.set(number).map_or(0, |set| set.len());
        let by_size = self.by_size.get_or_init(|| {
            let mut sized: Vec<(u64, u32)> = (0..)
                .zip(&self.sets)
                .map(|(number, set)| (set.len(), number))
                .collect();
            sized.sort_unstable_by(|a, b| b.cmp(a));
            sized.into_iter().map(|(_, number)| number).collect()
        });
        let sized = by_size.iter().map(|number| (size(*number), *number));
        sized.take_while(|(size, _)| *size > 0).take(most).collect()
    }

    /// Names that begin so.
    pub(crate) fn from<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, u32)> {
        let from = self
            .sorted
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from.take_while(move |(name, _)| name.starts_with(prefix))
            .map(|(name, number)| (&**name, *number))
    }

    fn put(&mut self, number: u32, place: Place, live: bool) {
        if let Some(set) = self.sets.get_mut(number as usize) {
            put(set, place, live);
            if self.by_size.get().is_some() {
                self.by_size = Arc::default();
            }
        }
    }
}

fn put(set: &mut Set, place: Place, live: bool) {
    let set = Arc::make_mut(set);
    match live {
        true => set.insert(place),
        false => set.remove(place),
    };
}

/// One state.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) columns: Columns,
    pub(crate) orders: Orders,
    pub(crate) live: Set,
    pub(crate) categories: [Set; Category::ALL.len()],
    pub(crate) licences: [Set; Licence::ALL.len()],
    pub(crate) languages: [Set; Language::ALL.len()],
    pub(crate) prices: [Set; PriceBand::ALL.len()],
    pub(crate) templates: Set,
    pub(crate) trial: Set,
    pub(crate) reproduced: Set,
    pub(crate) models: Names,
    pub(crate) creators: Names,
    pub(crate) tags: Names,
}

/// The next state while it is made.
pub(crate) struct Next {
    before: State,
    after: State,
    difference: Difference,
}

impl Next {
    /// Begins at a state.
    pub(crate) fn new(before: &State) -> Self {
        Self {
            before: before.clone(),
            after: before.clone(),
            difference: Difference::default(),
        }
    }

    /// The state so far, without its orders.
    pub(crate) fn state(&self) -> &State {
        &self.after
    }

    /// Adds a listing.
    pub(crate) fn add(&mut self, row: &Row, numbers: Numbers) -> Place {
        let state = &mut self.after;
        let tags: Vec<u32> = row.tags.iter().map(|tag| state.tags.number(tag)).collect();
        let named = Named {
            creator: state.creators.number(&row.creator),
            model: state.models.number(&row.model),
            tags: &tags,
        };
        let place = state.columns.push(row, numbers, &named);
        self.difference.added.push(place);
        self.member(place, true);
        self.priced(place, numbers, true);
        place
    }

    /// Takes a listing out.
    pub(crate) fn remove(&mut self, place: Place) {
        self.member(place, false);
        let numbers = self.after.columns.numbers(place);
        self.priced(place, numbers, false);
        self.difference.removed.push(place);
    }

    /// Writes a listing's numbers.
    pub(crate) fn set_numbers(&mut self, place: Place, numbers: Numbers) {
        let before = self.after.columns.numbers(place);
        self.priced(place, before, false);
        self.after.columns.set_numbers(place, numbers);
        self.priced(place, numbers, true);
        self.difference.changed.push(place);
    }

    fn member(&mut self, place: Place, live: bool) {
        let state = &mut self.after;
        put(&mut state.live, place, live);
        let [category, licence, language] = state.columns.shelves(place).map(usize::from);
        let shelves = [
            state.categories.get_mut(category),
            state.licences.get_mut(licence),
            state.languages.get_mut(language),
        ];
        for set in shelves.into_iter().flatten() {
            put(set, place, live);
        }
        let [template, trial] = state.columns.flags(place);
        if template {
            put(&mut state.templates, place, live);
        }
        if trial {
            put(&mut state.trial, place, live);
        }
        state.models.put(state.columns.model(place), place, live);
        state
            .creators
            .put(state.columns.creator(place), place, live);
        for tag in state.columns.tags(place) {
            state.tags.put(*tag, place, live);
        }
    }

    fn priced(&mut self, place: Place, numbers: Numbers, live: bool) {
        let band = PriceBand::of(i64::from(numbers.price_minor));
        if let Some(set) = self.after.prices.get_mut(band as usize) {
            put(set, place, live);
        }
        if numbers.reproduced > 0 {
            put(&mut self.after.reproduced, place, live);
        }
    }

    /// The state with its orders.
    pub(crate) fn finish(mut self) -> State {
        let Difference {
            removed,
            added,
            changed,
        } = &mut self.difference;
        // What was added and taken out again in one batch was never there.
        let count = self.before.columns.count();
        added.retain(|place| self.after.live.contains(*place));
        removed.retain(|place| *place < count);
        changed.sort_unstable();
        changed.dedup();
        changed.retain(|place| *place < count && self.after.live.contains(*place));
        self.after.orders =
            self.before
                .orders
                .merged(&self.before.columns, &self.after.columns, &self.difference);
        self.after
    }
}
