//! Resources: how they are listed and read.

use super::Number;
use super::content::Annotations;
use super::implementation::Icon;
use super::object::object;
use super::page::{CacheScope, page};
use crate::message::RawJson;

object! {
    /// A resource that a server offers. Also a link to one, in content.
    pub struct Resource {
        required {
            /// Where it is.
            uri: String = "uri";
            /// Its name, for programs.
            name: String = "name";
        }
        optional {
            /// A name for people (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// What it is, for the model.
            description: Option<String> = opt "description", with_description(String);
            /// Its type, if known.
            mime_type: Option<String> = opt "mimeType", with_mime_type(String);
            /// Its size in bytes before base64, if known.
            size: Option<Number> = opt "size", with_size(Number);
            /// Pictures (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// For whom, and how important.
            annotations: Option<Annotations> = opt "annotations", with_annotations(Annotations);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// Resources by a URI template.
    pub struct ResourceTemplate {
        required {
            /// The template, of RFC 6570.
            uri_template: String = "uriTemplate";
            /// Its name, for programs.
            name: String = "name";
        }
        optional {
            /// A name for people (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// What it is for, for the model.
            description: Option<String> = opt "description", with_description(String);
            /// The type of all that match, if they have one in common.
            mime_type: Option<String> = opt "mimeType", with_mime_type(String);
            /// Pictures (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// For whom, and how important.
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
    /// The parameters that name one resource: of `resources/read`, `resources/subscribe`,
    /// `resources/unsubscribe` and `notifications/resources/updated`.
    pub struct ResourceParams {
        required {
            /// Which resource.
            uri: String = "uri";
        }
        optional {
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

object! {
    /// The contents of a resource. A legal one has `text` or `blob`, not both.
    pub struct ResourceContents {
        required {
            /// Where it is.
            uri: String = "uri";
        }
        optional {
            /// Its type, if known.
            mime_type: Option<String> = opt "mimeType", with_mime_type(String);
            /// The contents, if they are text.
            text: Option<String> = opt "text", with_text(String);
            /// The contents in base64, if they are not.
            blob: Option<String> = opt "blob", with_blob(String);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}

impl ResourceContents {
    /// Contents that are text.
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> ResourceContents {
        ResourceContents::new(uri).with_text(text)
    }

    /// Contents that are not text. `blob` is base64 already.
    pub fn blob(uri: impl Into<String>, blob: impl Into<String>) -> ResourceContents {
        ResourceContents::new(uri).with_blob(blob)
    }
}

object! {
    /// The result of `resources/read`. One URI may stand for several contents.
    #[derive(Default)]
    pub struct ReadResourceResult {
        required {}
        optional {
            /// The contents.
            contents: Vec<ResourceContents> = list "contents", with_contents(Vec<ResourceContents>);
            /// For how many milliseconds it is fresh (2026-07-28). Absent, 0 and less: not at all.
            ttl_ms: Option<Number> = opt "ttlMs", with_ttl_ms(Number);
            /// Who may share a cached copy (2026-07-28).
            cache_scope: Option<CacheScope> = opt "cacheScope", with_cache_scope(CacheScope);
            /// `_meta`.
            meta: Option<RawJson> = raw "_meta", with_meta(RawJson);
        }
    }
}
