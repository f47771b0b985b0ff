//! The names of programs, and icons. They are not verified, and are for display and debugging only.

use super::object::object;
use super::word::word;

object! {
    /// The name and version that a program claims: `clientInfo` and `serverInfo`. Do not trust them.
    pub struct Implementation {
        required {
            /// The identifier of the program.
            name: String = "name";
            /// The version of the program.
            version: String = "version";
        }
        optional {
            /// A display name (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// A description (2025-11-25 and later).
            description: Option<String> = opt "description", with_description(String);
            /// Icons (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// The URL of its website (2025-11-25 and later).
            website_url: Option<String> = opt "websiteUrl", with_website_url(String);
        }
    }
}

object! {
    /// An icon. Load the URI of a peer only if it is a `data:` URI, or an `https:` URL of a trusted host.
    pub struct Icon {
        required {
            /// An `https:` URL or a `data:` URI.
            src: String = "src";
        }
        optional {
            /// The media type, which overrides the one of the source.
            mime_type: Option<String> = opt "mimeType", with_mime_type(String);
            /// The sizes, such as `48x48`, or `any` for a scalable format.
            sizes: Option<Vec<String>> = opt "sizes", with_sizes(Vec<String>);
            /// The theme that the icon is designed for.
            theme: Option<IconTheme> = opt "theme", with_theme(IconTheme);
        }
    }
}

word! {
    /// The theme that an icon is designed for.
    pub enum IconTheme {
        /// A light background.
        Light = "light",
        /// A dark background.
        Dark = "dark",
    }
}
