//! Closed sets of words: stored, sent and shown as the same lowercase text.

/// Declares an enum whose variants are one word each, with `ALL`, `as_str`, `FromStr` and `Display`.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident ($what:literal) { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every one of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::StateError;

            fn from_str(word: &str) -> Result<Self, $crate::StateError> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::StateError::Invalid {
                        what: $what,
                        reason: format!("`{word}` is none of {}", [$($word,)+].join(", ")),
                    }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
