//! What a record asked for, as its document has it, made without the rest of the document.

use ecs::Document;
use serde_json::{Map, Value};

use super::absence::drop_absent;
use super::moves::put_object;
use super::request_parameters::{PayloadTexts, Retain, move_payloads};

const REQUEST: &str = "requestParameters";

/// Whether `name` is a field, or lies below a field, that [`request_document`] has whenever the whole document has it.
pub(super) fn is_of_request(name: &str) -> bool {
    ["aws.cloudtrail.request_parameters", "aws.cloudtrail.flattened.request_parameters"]
        .into_iter()
        .any(|field| name.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// The document of a record that has nothing but these `requestParameters`. `None` when they are no JSON.
pub(super) fn request_document(written: &str) -> Option<Document> {
    let mut record = Map::new();
    record.insert(REQUEST.to_owned(), serde_json::from_str::<Value>(written).ok()?);
    let texts = PayloadTexts::read(&record);
    drop_absent(&mut record);
    let (mut cloudtrail, mut flattened) = (Map::new(), Map::new());
    move_payloads(&mut record, texts, Retain::All, (&mut cloudtrail, &mut flattened));
    put_object(&mut cloudtrail, "flattened", flattened);
    let (mut aws, mut root) = (Map::new(), Map::new());
    put_object(&mut aws, "cloudtrail", cloudtrail);
    put_object(&mut root, "aws", aws);
    Some(Document::from_map(root))
}
