//! Who a program says it is, and icons. Names are for display and debugging: nobody verified them.

use super::object::object;
use super::word::word;

object! {
    /// A program's own word on who it is: `clientInfo`, `serverInfo`. Untrusted (ledger META-B-010).
    pub struct Implementation {
        required {
            /// The program's name, for programs.
            name: String = "name";
            /// Its version.
            version: String = "version";
        }
        optional {
            /// A name for people (2025-06-18 and later).
            title: Option<String> = opt "title", with_title(String);
            /// What it does (2025-11-25 and later).
            description: Option<String> = opt "description", with_description(String);
            /// Pictures (2025-11-25 and later).
            icons: Option<Vec<Icon>> = opt "icons", with_icons(Vec<Icon>);
            /// Where to read more (2025-11-25 and later).
            website_url: Option<String> = opt "websiteUrl", with_website_url(String);
        }
    }
}

object! {
    /// A picture. The URI is a peer's: take `https:` from trusted places, or `data:`, and nothing else.
    pub struct Icon {
        required {
            /// Where the picture is: a URL or a `data:` URI.
            src: String = "src";
        }
        optional {
            /// Overrides the type that the source says.
            mime_type: Option<String> = opt "mimeType", with_mime_type(String);
            /// Like `48x48`, or `any` for what scales.
            sizes: Option<Vec<String>> = opt "sizes", with_sizes(Vec<String>);
            /// The background it is made for.
            theme: Option<IconTheme> = opt "theme", with_theme(IconTheme);
        }
    }
}

word! {
    /// The background that an icon is made for.
    pub enum IconTheme {
        /// Light.
        Light = "light",
        /// Dark.
        Dark = "dark",
    }
}
