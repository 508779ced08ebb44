//! Members of a raw CloudTrail record, read from their JSON text without building values.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A text. Anything else, and an empty text, is none.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text<'a>(Option<Cow<'a, str>>);

/// An object of texts; what isn't a text in it is left out. Empty for anything else.
#[derive(Debug, Default, Clone)]
pub(crate) struct Texts<'a>(pub(crate) Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// An array of objects; empty for anything else.
#[derive(Debug)]
pub(crate) struct Objects<T>(pub(crate) Vec<T>);

/// An object; nothing for anything else.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) Option<T>);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ResourceMember<'a> {
    #[serde(borrow, rename = "ARN")]
    arn: Option<Text<'a>>,
    #[serde(borrow, rename = "arn")]
    older_arn: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct IdentityMember<'a> {
    #[serde(borrow)]
    pub(crate) arn: Text<'a>,
    #[serde(borrow)]
    pub(crate) principal_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) account_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) invoked_by: Text<'a>,
    #[serde(borrow)]
    pub(crate) session_context: Object<SessionMember<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct SessionMember<'a> {
    #[serde(borrow)]
    pub(crate) session_issuer: Object<IssuerMember<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct IssuerMember<'a> {
    #[serde(borrow)]
    pub(crate) arn: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct RequestMember<'a> {
    #[serde(borrow)]
    pub(crate) key_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) source_key_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) destination_key_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) encryption_context: Texts<'a>,
    #[serde(borrow)]
    pub(crate) source_encryption_context: Texts<'a>,
    #[serde(borrow)]
    pub(crate) destination_encryption_context: Texts<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ResponseMember<'a> {
    #[serde(borrow)]
    pub(crate) key_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) key_metadata: Object<MetadataMember<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct MetadataMember<'a> {
    #[serde(borrow)]
    pub(crate) arn: Text<'a>,
    #[serde(borrow)]
    pub(crate) key_id: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct AdditionalMember<'a> {
    #[serde(borrow)]
    pub(crate) key_material_id: Text<'a>,
}

/// `responseElements` of STS.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StsMember<'a> {
    #[serde(borrow)]
    pub(crate) assumed_role_user: Object<IssuerMember<'a>>,
    #[serde(borrow)]
    pub(crate) federated_user: Object<IssuerMember<'a>>,
    #[serde(borrow)]
    pub(crate) credentials: Object<CredentialsMember<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CredentialsMember<'a> {
    #[serde(borrow)]
    pub(crate) access_key_id: Text<'a>,
}

/// Reads a member. What is missing, null or of another shape is as if it were empty. `spare` is for records that say one
/// thing twice: the last one counts, as in [`serde_json::Value`].
pub(crate) fn read<'a, T: Deserialize<'a> + Default>(raw: Option<&'a str>, spare: &'a mut String) -> T {
    let Some(raw) = raw.filter(|raw| *raw != "null") else { return T::default() };
    if let Ok(value) = serde_json::from_str(raw) {
        return value;
    }
    *spare = serde_json::from_str::<Value>(raw).map(|value| value.to_string()).unwrap_or_default();
    serde_json::from_str(spare).unwrap_or_default()
}

impl Text<'_> {
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl ResourceMember<'_> {
    /// `ARN`, or in older records `arn`, where there is no `ARN`.
    pub(crate) fn arn(&self) -> Option<&str> {
        self.arn.as_ref().or(self.older_arn.as_ref())?.get()
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// What a visitor makes of things that it isn't there for: nothing.
macro_rules! nothing_else {
    (scalars) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("JSON")
        }
    };
    (texts) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
    (arrays) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
            while array.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
    (objects) => {
        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<'a>(PhantomData<&'a str>);
        impl<'de: 'a, 'a> Visitor<'de> for Reader<'a> {
            type Value = Text<'a>;
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'a>, E> {
                Ok(Text(Some(Cow::Borrowed(text)).filter(|text| !text.is_empty())))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'a>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned())).filter(|text: &Cow<'_, str>| !text.is_empty())))
            }
            nothing_else!(scalars);
            nothing_else!(arrays);
            nothing_else!(objects);
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<'a>(PhantomData<&'a str>);
        impl<'de: 'a, 'a> Visitor<'de> for Reader<'a> {
            type Value = Texts<'a>;
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Texts<'a>, A::Error> {
                let mut texts: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
                while let Some((Text(key), Text(value))) = object.next_entry()? {
                    let key = key.unwrap_or_default();
                    if texts.iter().any(|(known, _)| *known == key) {
                        return Err(A::Error::custom("said twice"));
                    }
                    texts.push((key, value.unwrap_or_default()));
                }
                texts.retain(|(_, value)| !value.is_empty());
                Ok(Texts(texts))
            }
            nothing_else!(scalars);
            nothing_else!(texts);
            nothing_else!(arrays);
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Objects<T>;
            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Objects<T>, A::Error> {
                let mut objects = Vec::new();
                while let Some(Object(object)) = array.next_element()? {
                    objects.extend(object);
                }
                Ok(Objects(objects))
            }
            nothing_else!(scalars);
            nothing_else!(texts);
            nothing_else!(objects);
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Object<T>;
            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(object)).map(|value| Object(Some(value)))
            }
            nothing_else!(scalars);
            nothing_else!(texts);
            nothing_else!(arrays);
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}
