//! Answers that are kept for whoever asks the same.
//!
//! The one rule: it is bounded in bytes: when half of them are new, what was not asked for since is forgotten.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

struct Halves<K, V> {
    young: HashMap<K, (Arc<V>, usize)>,
    old: HashMap<K, (Arc<V>, usize)>,
    young_bytes: usize,
}

/// Kept values by key.
pub(crate) struct Cache<K, V> {
    halves: Mutex<Halves<K, V>>,
    half_bytes: usize,
}

impl<K: Hash + Eq + Clone, V> Cache<K, V> {
    /// A cache of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let halves = Halves {
            young: HashMap::new(),
            old: HashMap::new(),
            young_bytes: 0,
        };
        Self {
            halves: Mutex::new(halves),
            half_bytes: bytes / 2,
        }
    }

    /// What was kept under a key.
    pub(crate) fn get(&self, key: &K) -> Option<Arc<V>> {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((value, _)) = halves.young.get(key) {
            return Some(value.clone());
        }
        let (value, bytes) = halves.old.remove(key)?;
        halves.put(key.clone(), value.clone(), bytes, self.half_bytes);
        Some(value)
    }

    /// Keeps a value that costs so many bytes. Returns it, shared.
    pub(crate) fn put(&self, key: K, value: V, bytes: usize) -> Arc<V> {
        let value = Arc::new(value);
        // What is kept costs something even when it is nothing.
        let bytes = bytes + 200;
        if bytes < self.half_bytes {
            let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
            halves.put(key, value.clone(), bytes, self.half_bytes);
        }
        value
    }
}

impl<K: Hash + Eq, V> Halves<K, V> {
    fn put(&mut self, key: K, value: Arc<V>, bytes: usize, half_bytes: usize) {
        if self.young_bytes + bytes > half_bytes {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        if let Some((_, before)) = self.young.insert(key, (value, bytes)) {
            self.young_bytes -= before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn what_is_asked_for_stays_and_what_is_not_goes() {
        let cache: Cache<u32, u32> = Cache::new(10_000);
        cache.put(0, 0, 100);
        for number in 1..1000 {
            cache.put(number, number, 100);
            assert_eq!(cache.get(&0).as_deref(), Some(&0));
        }
        let kept = (0..1000)
            .filter(|number| cache.get(number).is_some())
            .count();
        assert!(kept > 10 && kept < 40, "{kept}");
    }
}
