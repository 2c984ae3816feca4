//! Stripe's request encoding: `application/x-www-form-urlencoded` with brackets for nesting.

use serde_json::{Map, Value};

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], escape) {
            (b'+', _) => decoded.push(b' '),
            (_, Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (byte, None) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Reads `a=1&b[c]=2&d[0][e]=3` into nested objects; lists become arrays.
pub(crate) fn parse(text: &str) -> Value {
    let mut root = Value::Object(Map::new());
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name);
        let keys: Vec<&str> = name
            .split(['[', ']'])
            .filter(|key| !key.is_empty())
            .collect();
        let open_list = name.ends_with("[]");
        put(&mut root, &keys, open_list, decode(value));
    }
    lists(root)
}

fn put(node: &mut Value, keys: &[&str], open_list: bool, value: String) {
    let Some((first, rest)) = keys.split_first() else {
        return;
    };
    let Value::Object(map) = node else {
        return;
    };
    let slot = map
        .entry((*first).to_owned())
        .or_insert_with(|| Value::Object(Map::new()));
    if !rest.is_empty() {
        put(slot, rest, open_list, value);
    } else if open_list {
        if let Value::Object(items) = slot {
            items.insert(items.len().to_string(), Value::String(value));
        }
    } else {
        *slot = Value::String(value);
    }
}

/// Objects whose keys are 0, 1, 2 … are lists.
fn lists(node: Value) -> Value {
    let Value::Object(map) = node else {
        return node;
    };
    let indexed =
        !map.is_empty() && (0..map.len()).all(|index| map.contains_key(&index.to_string()));
    if indexed {
        let items = (0..map.len()).filter_map(|index| map.get(&index.to_string()).cloned());
        return Value::Array(items.map(lists).collect());
    }
    Value::Object(
        map.into_iter()
            .map(|(key, value)| (key, lists(value)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    #[test]
    fn brackets_nest_and_numbers_make_lists() {
        let read = parse(
            "mode=payment&line_items[0][quantity]=1&line_items[0][price_data][currency]=usd&expand[]=a.b&expand[]=c&metadata%5Border%5D=x%20y",
        );
        let expected = json!({
            "mode": "payment",
            "line_items": [{"quantity": "1", "price_data": {"currency": "usd"}}],
            "expand": ["a.b", "c"],
            "metadata": {"order": "x y"},
        });
        assert_eq!(read, expected);
    }
}
