//! Content blocks of tool results and prompts.

use super::object::object;
use super::tagged::tagged;
use super::word::word;
use super::{Number, Resource, ResourceContents};
use crate::message::RawJson;

tagged! {
    /// A block of content.
    pub enum Content {
        /// Text.
        Text(TextContent) = "text",
        /// An image.
        Image(ImageContent) = "image",
        /// Audio (2025-03-26 and later).
        Audio(AudioContent) = "audio",
        /// A link to a resource (2025-06-18 and later), which need not be in the list of resources.
        ResourceLink(Resource) = "resource_link",
        /// A resource, with its contents.
        Resource(EmbeddedResource) = "resource",
    }
}

impl Content {
    /// Creates a block of text.
    pub fn text(text: impl Into<String>) -> Content {
        TextContent::new(text).into()
    }

    /// Creates an image. `data` must be base64.
    pub fn image(data: impl Into<String>, mime_type: impl Into<String>) -> Content {
        ImageContent::new(data, mime_type).into()
    }

    /// Creates audio. `data` must be base64.
    pub fn audio(data: impl Into<String>, mime_type: impl Into<String>) -> Content {
        AudioContent::new(data, mime_type).into()
    }

    /// The text of a block of text, or `None`.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Content::Text(content) => Some(&content.text),
            _ => None,
        }
    }
}

object! {
    /// Text. [`Content`] writes its `type`.
    pub struct TextContent {
        required {
            /// The text.
            text: String = "text";
        }
        optional {
            /// The audience and the importance.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// An image. [`Content`] writes its `type`.
    pub struct ImageContent {
        required {
            /// The data in base64.
            data: String = "data";
            /// The media type.
            mime_type: String = "mimeType";
        }
        optional {
            /// The audience and the importance.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// Audio. [`Content`] writes its `type`.
    pub struct AudioContent {
        required {
            /// The data in base64.
            data: String = "data";
            /// The media type.
            mime_type: String = "mimeType";
        }
        optional {
            /// The audience and the importance.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// A resource with its contents. [`Content`] writes its `type`.
    pub struct EmbeddedResource {
        required {
            /// The contents.
            resource: ResourceContents = "resource";
        }
        optional {
            /// The audience and the importance.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// Hints for displaying content. Do not trust those of a peer.
    #[derive(Default)]
    pub struct Annotations {
        required {}
        optional {
            /// The intended audience.
            audience: Option<Vec<Role>> = opt "audience", with_audience(Vec<Role>);
            /// The importance, from 0 (optional) to 1 (required).
            priority: Option<Number> = opt "priority", with_priority(Number);
            /// The time of the last change, in ISO 8601 (2025-06-18 and later).
            last_modified: Option<String> = opt "lastModified", with_last_modified(String);
        }
    }
}

word! {
    /// The author of a message.
    pub enum Role {
        /// The user.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
}
