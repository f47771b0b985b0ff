//! Resources, how they are listed and read.
//!
//! See [resources](https://modelcontextprotocol.io/specification/2025-11-25/server/resources).

use super::Number;
use super::content::Annotations;
use super::implementation::Icon;
use super::object::object;
use super::page::{CacheScope, page};
use super::skipped::Skipped;
use crate::message::RawJson;

object! {
    /// A resource that a server offers, or a link to one in content.
    pub struct Resource {
        required {
            /// The URI.
            uri: String = "uri";
            /// The identifier.
            name: String = "name";
        }
        optional {
            /// A display name (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// A description for the model.
            description: Option<String> = opt "description", with_description(String);
            /// The media type, if known.
            mime_type: Option<String> = opt "mimeType", with_mime_type(String);
            /// The size in bytes, before any base64 encoding, if known.
            size: Option<Number> = opt "size", with_size(Number);
            /// Icons (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// The audience and the importance.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// A template of the URIs of resources.
    pub struct ResourceTemplate {
        required {
            /// The URI template ([RFC 6570](https://www.rfc-editor.org/rfc/rfc6570)).
            uri_template: String = "uriTemplate";
            /// The identifier.
            name: String = "name";
        }
        optional {
            /// A display name (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// A description for the model.
            description: Option<String> = opt "description", with_description(String);
            /// The media type, if all matching resources have the same.
            mime_type: Option<String> = opt "mimeType", with_mime_type(String);
            /// Icons (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// The audience and the importance.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

page! {
    /// One page of resources.
    ListResourcesResult, "resources/list",
    /// The resources.
    resources: Resource = "resources"
}

page! {
    /// One page of resource templates.
    ListResourceTemplatesResult, "resources/templates/list",
    /// The templates.
    resource_templates: ResourceTemplate = "resourceTemplates"
}

object! {
    /// The parameters of requests on one resource: `resources/read`, `resources/subscribe`,
    /// `resources/unsubscribe` and `notifications/resources/updated`.
    pub struct ResourceParams {
        required {
            /// The URI of the resource.
            uri: String = "uri";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The contents of a resource, with either `text` or `blob`.
    pub struct ResourceContents {
        required {
            /// The URI.
            uri: String = "uri";
        }
        optional {
            /// The media type, if known.
            mime_type: Option<String> = opt "mimeType", with_mime_type(String);
            /// The contents as text.
            text: Option<String> = opt "text", with_text(String);
            /// Binary contents in base64.
            blob: Option<String> = opt "blob", with_blob(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl ResourceContents {
    /// Creates contents that are text.
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> ResourceContents {
        ResourceContents::new(uri).with_text(text)
    }

    /// Creates binary contents. `blob` must be base64.
    pub fn blob(uri: impl Into<String>, blob: impl Into<String>) -> ResourceContents {
        ResourceContents::new(uri).with_blob(blob)
    }
}

object! {
    /// The result of `resources/read`. One URI may have several contents.
    #[derive(Default)]
    pub struct ReadResourceResult {
        required {}
        optional {
            /// The contents.
            contents: Vec<ResourceContents> = list "contents", with_contents(Vec<ResourceContents>);
            /// For how many milliseconds the result may be cached (2026-07-28). Not at all if absent, 0 or negative.
            ttl_ms: Option<Number> = opt "ttlMs", with_ttl_ms(Number);
            /// Who may share a cached copy (2026-07-28).
            cache_scope: Option<CacheScope> = opt "cacheScope", with_cache_scope(CacheScope);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
        local {
            /// The contents that were read and do not have the form of a [`ResourceContents`]. Not written.
            skipped: Vec<Skipped> = misfits of ResourceContents, "contents";
        }
    }
}
