//! Content blocks: what tools answer and prompts say.

use super::object::object;
use super::tagged::tagged;
use super::word::word;
use super::{Number, Resource, ResourceContents};
use crate::message::RawJson;

tagged! {
    /// One block of content.
    pub enum Content {
        /// Text.
        Text(TextContent) = "text",
        /// A picture.
        Image(ImageContent) = "image",
        /// Sound (2025-03-26 and later).
        Audio(AudioContent) = "audio",
        /// A resource to read by its URI (2025-06-18 and later). It may be in no list.
        ResourceLink(Resource) = "resource_link",
        /// A resource with its contents.
        Resource(EmbeddedResource) = "resource",
    }
}

impl Content {
    /// A block of text.
    pub fn text(text: impl Into<String>) -> Content {
        TextContent::new(text).into()
    }

    /// A picture. `data` is base64 already.
    pub fn image(data: impl Into<String>, mime_type: impl Into<String>) -> Content {
        ImageContent::new(data, mime_type).into()
    }

    /// Sound. `data` is base64 already.
    pub fn audio(data: impl Into<String>, mime_type: impl Into<String>) -> Content {
        AudioContent::new(data, mime_type).into()
    }

    /// The text, if it is a block of text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Content::Text(content) => Some(&content.text),
            _ => None,
        }
    }
}

object! {
    /// Text. Inside [`Content`], which writes its `type`.
    pub struct TextContent {
        required {
            /// The text.
            text: String = "text";
        }
        optional {
            /// For whom, and how important.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// A picture. Inside [`Content`], which writes its `type`.
    pub struct ImageContent {
        required {
            /// Base64.
            data: String = "data";
            /// Its type.
            mime_type: String = "mimeType";
        }
        optional {
            /// For whom, and how important.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// Sound. Inside [`Content`], which writes its `type`.
    pub struct AudioContent {
        required {
            /// Base64.
            data: String = "data";
            /// Its type.
            mime_type: String = "mimeType";
        }
        optional {
            /// For whom, and how important.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// A resource with its contents. Inside [`Content`], which writes its `type`.
    pub struct EmbeddedResource {
        required {
            /// The contents.
            resource: ResourceContents = "resource";
        }
        optional {
            /// For whom, and how important.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// Hints for whoever shows it. A peer's word only.
    #[derive(Default)]
    pub struct Annotations {
        required {}
        optional {
            /// For whom it is.
            audience: Option<Vec<Role>> = opt "audience", with_audience(Vec<Role>);
            /// From 0, which can be left out, to 1, which is needed.
            priority: Option<Number> = opt "priority", with_priority(Number);
            /// When it last changed: an ISO 8601 time (2025-06-18 and later).
            last_modified: Option<String> = opt "lastModified", with_last_modified(String);
        }
    }
}

word! {
    /// Who speaks.
    pub enum Role {
        /// The person.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
}
