//! The files of a tokenizer's folder, read within bounds.
//!
//! The one rule: a failure names the file and the field, and a file above [`MAX_FILE_BYTES`] is refused before it is parsed.

use crate::error::{Error, ErrorKind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// How large a file of a tokenizer may be: CLIP's `tokenizer.json`, the largest that we know, is 3 MiB with line breaks.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;

/// A folder of a model, and how to read its files.
pub(super) struct Folder<'a> {
    pub(super) files: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    pub(super) name: &'a str,
}

impl Folder<'_> {
    /// Where a file lies, as messages name it.
    pub(super) fn place(&self, file: &str) -> String {
        format!("{}/{file}", self.name)
    }

    /// A file's bytes, or `None` when there is no such file.
    pub(super) fn bytes(&self, file: &str) -> Result<Option<Vec<u8>>, Error> {
        let place = self.place(file);
        let Some(bytes) = (self.files)(&place) else {
            return Ok(None);
        };
        if bytes.len() > MAX_FILE_BYTES {
            let size = bytes.len();
            let message = format!("{place}: is {size} bytes long, {MAX_FILE_BYTES} is the limit");
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        Ok(Some(bytes))
    }

    /// A text that must be there.
    pub(super) fn text(&self, file: &str) -> Result<String, Error> {
        let bytes = self.bytes(file)?.ok_or_else(|| self.missing(file))?;
        String::from_utf8(bytes).map_err(|_| malformed(&self.place(file), "is no UTF-8"))
    }

    /// A JSON object, or `None` when there is no such file.
    pub(super) fn document(&self, file: &str) -> Result<Option<Document>, Error> {
        let Some(bytes) = self.bytes(file)? else {
            return Ok(None);
        };
        let place = self.place(file);
        match serde_json::from_slice(&bytes) {
            Ok(fields) => Ok(Some(Document { place, fields })),
            Err(error) => Err(malformed(&place, &error.to_string())),
        }
    }

    pub(super) fn missing(&self, file: &str) -> Error {
        Error::new(
            ErrorKind::Missing,
            format!("{}: is not there", self.place(file)),
        )
    }
}

/// A JSON object that knows where it was read.
pub(super) struct Document {
    place: String,
    fields: Map<String, Value>,
}

impl Document {
    /// An object without fields, as a file that is not there.
    pub(super) fn empty(place: String) -> Self {
        Self {
            place,
            fields: Map::new(),
        }
    }

    /// A field's value, taken out; `None` when it is absent or null.
    pub(super) fn take<T: DeserializeOwned>(&mut self, field: &str) -> Result<Option<T>, Error> {
        match self.fields.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|error| self.wrong(field, &error.to_string())),
        }
    }

    /// A field that must be there.
    pub(super) fn need<T: DeserializeOwned>(&mut self, field: &str) -> Result<T, Error> {
        let value = self.take(field)?;
        value.ok_or_else(|| self.wrong(field, "is not there"))
    }

    /// An object within this one, or none.
    pub(super) fn object(&mut self, field: &str) -> Result<Self, Error> {
        Ok(Self {
            fields: self.need(field)?,
            place: self.at(field),
        })
    }

    /// Refuses a field that is there and has another value.
    pub(super) fn expect(&mut self, field: &str, value: &Value) -> Result<(), Error> {
        match self.take::<Value>(field)? {
            Some(found) if found != *value => Err(self.strange(field, &found)),
            _ => Ok(()),
        }
    }

    /// Refuses a field that is absent or has another value.
    pub(super) fn require(&mut self, field: &str, value: &Value) -> Result<(), Error> {
        let found: Value = self.need(field)?;
        if found == *value {
            return Ok(());
        }
        Err(self.strange(field, &found))
    }

    pub(super) fn wrong(&self, field: &str, what: &str) -> Error {
        malformed(&self.at(field), what)
    }

    /// The refusal of a value that a tokenizer may have and this program does not know.
    pub(super) fn strange(&self, field: &str, found: &Value) -> Error {
        // Enough to recognise it by, whatever a stranger's file has there.
        let shown: String = found.to_string().chars().take(120).collect();
        let message = format!("{}: {shown} is not offered", self.at(field));
        Error::new(ErrorKind::NotOffered, message)
    }

    fn at(&self, field: &str) -> String {
        // Within a file a dot joins fields, after its name a colon.
        let joint = if self.place.contains(": ") { "." } else { ": " };
        format!("{}{joint}{field}", self.place)
    }
}

/// A file, or a field of it, that cannot be read.
pub(super) fn malformed(place: &str, what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("{place}: {what}"))
}
