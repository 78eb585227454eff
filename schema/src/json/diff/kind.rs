//! The kinds of differences, as data (schema formats spec §3.7).

use std::fmt;

use crate::compatibility::CompatibilityPolicy;

/// Under which policies a kind of difference keeps the reader from reading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Under none.
    Harmless,
    /// Under the strict one only.
    Lenient,
    /// Under every one.
    Breaking,
}

/// The words that describe a difference.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    Silent,
    Type,
    Keyword,
    Less,
    More,
    Value,
    Fewer,
    Additional,
    Open,
    Unopen,
    Closed,
    RemovedUncovered,
    AddedUncovered,
}

macro_rules! kinds {
    ($($variant:ident $name:ident $effect:ident $words:ident,)*) => {
        /// What changed from the writer's schema to the reader's, by the reference's names, which
        /// [`as_str`](Self::as_str) gives. `Added` means: only the reader's schema says it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum DifferenceKind {
            $($variant,)*
            /// A schema that was stored without being checked cannot be loaded, or the comparison or the list of
            /// differences exceeds a bound of [`Limits`](crate::Limits); the rest was not looked at.
            NotComparable,
        }

        impl DifferenceKind {
            /// Every kind that the reference knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The upper-case name that messages show.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                    Self::NotComparable => "NOT_COMPARABLE",
                }
            }

            fn effect(self) -> Effect {
                match self {
                    $(Self::$variant => Effect::$effect,)*
                    Self::NotComparable => Effect::Breaking,
                }
            }

            fn words(self) -> Words {
                match self {
                    $(Self::$variant => Words::$words,)*
                    Self::NotComparable => Words::Silent,
                }
            }
        }
    };
}

kinds! {
    IdChanged ID_CHANGED Harmless Silent,
    DescriptionChanged DESCRIPTION_CHANGED Harmless Silent,
    TitleChanged TITLE_CHANGED Harmless Silent,
    DefaultChanged DEFAULT_CHANGED Harmless Silent,
    SchemaAdded SCHEMA_ADDED Breaking Silent,
    SchemaRemoved SCHEMA_REMOVED Harmless Silent,
    TypeExtended TYPE_EXTENDED Harmless Silent,
    TypeNarrowed TYPE_NARROWED Breaking Type,
    TypeChanged TYPE_CHANGED Breaking Type,
    MaxLengthAdded MAX_LENGTH_ADDED Breaking Keyword,
    MaxLengthRemoved MAX_LENGTH_REMOVED Harmless Silent,
    MaxLengthIncreased MAX_LENGTH_INCREASED Harmless Silent,
    MaxLengthDecreased MAX_LENGTH_DECREASED Breaking Less,
    MinLengthAdded MIN_LENGTH_ADDED Breaking Keyword,
    MinLengthRemoved MIN_LENGTH_REMOVED Harmless Silent,
    MinLengthIncreased MIN_LENGTH_INCREASED Breaking More,
    MinLengthDecreased MIN_LENGTH_DECREASED Harmless Silent,
    PatternAdded PATTERN_ADDED Breaking Keyword,
    PatternRemoved PATTERN_REMOVED Harmless Silent,
    PatternChanged PATTERN_CHANGED Breaking Value,
    MaximumAdded MAXIMUM_ADDED Breaking Keyword,
    MaximumRemoved MAXIMUM_REMOVED Harmless Silent,
    MaximumIncreased MAXIMUM_INCREASED Harmless Silent,
    MaximumDecreased MAXIMUM_DECREASED Breaking Less,
    MinimumAdded MINIMUM_ADDED Breaking Keyword,
    MinimumRemoved MINIMUM_REMOVED Harmless Silent,
    MinimumIncreased MINIMUM_INCREASED Breaking More,
    MinimumDecreased MINIMUM_DECREASED Harmless Silent,
    ExclusiveMaximumAdded EXCLUSIVE_MAXIMUM_ADDED Breaking Keyword,
    ExclusiveMaximumRemoved EXCLUSIVE_MAXIMUM_REMOVED Harmless Silent,
    ExclusiveMaximumIncreased EXCLUSIVE_MAXIMUM_INCREASED Harmless Silent,
    ExclusiveMaximumDecreased EXCLUSIVE_MAXIMUM_DECREASED Breaking Less,
    ExclusiveMinimumAdded EXCLUSIVE_MINIMUM_ADDED Breaking Keyword,
    ExclusiveMinimumRemoved EXCLUSIVE_MINIMUM_REMOVED Harmless Silent,
    ExclusiveMinimumIncreased EXCLUSIVE_MINIMUM_INCREASED Breaking More,
    ExclusiveMinimumDecreased EXCLUSIVE_MINIMUM_DECREASED Harmless Silent,
    MultipleOfAdded MULTIPLE_OF_ADDED Breaking Keyword,
    MultipleOfRemoved MULTIPLE_OF_REMOVED Harmless Silent,
    MultipleOfExpanded MULTIPLE_OF_EXPANDED Breaking More,
    MultipleOfReduced MULTIPLE_OF_REDUCED Harmless Silent,
    MultipleOfChanged MULTIPLE_OF_CHANGED Breaking Value,
    RequiredAttributeAdded REQUIRED_ATTRIBUTE_ADDED Breaking Keyword,
    RequiredAttributeWithDefaultAdded REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED Harmless Silent,
    RequiredAttributeRemoved REQUIRED_ATTRIBUTE_REMOVED Harmless Silent,
    MaxPropertiesAdded MAX_PROPERTIES_ADDED Breaking Keyword,
    MaxPropertiesRemoved MAX_PROPERTIES_REMOVED Harmless Silent,
    MaxPropertiesIncreased MAX_PROPERTIES_INCREASED Harmless Silent,
    MaxPropertiesDecreased MAX_PROPERTIES_DECREASED Breaking Less,
    MinPropertiesAdded MIN_PROPERTIES_ADDED Breaking Keyword,
    MinPropertiesRemoved MIN_PROPERTIES_REMOVED Harmless Silent,
    MinPropertiesIncreased MIN_PROPERTIES_INCREASED Breaking More,
    MinPropertiesDecreased MIN_PROPERTIES_DECREASED Harmless Silent,
    AdditionalPropertiesAdded ADDITIONAL_PROPERTIES_ADDED Harmless Silent,
    AdditionalPropertiesRemoved ADDITIONAL_PROPERTIES_REMOVED Lenient Keyword,
    AdditionalPropertiesExtended ADDITIONAL_PROPERTIES_EXTENDED Harmless Silent,
    AdditionalPropertiesNarrowed ADDITIONAL_PROPERTIES_NARROWED Lenient Fewer,
    DependencyArrayAdded DEPENDENCY_ARRAY_ADDED Breaking Keyword,
    DependencyArrayRemoved DEPENDENCY_ARRAY_REMOVED Harmless Silent,
    DependencyArrayExtended DEPENDENCY_ARRAY_EXTENDED Breaking Additional,
    DependencyArrayNarrowed DEPENDENCY_ARRAY_NARROWED Harmless Silent,
    DependencyArrayChanged DEPENDENCY_ARRAY_CHANGED Breaking Value,
    DependencySchemaAdded DEPENDENCY_SCHEMA_ADDED Breaking Keyword,
    DependencySchemaRemoved DEPENDENCY_SCHEMA_REMOVED Harmless Silent,
    RequiredPropertyAddedToOpenContentModel REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL Breaking Open,
    RequiredPropertyWithDefaultAddedToOpenContentModel REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL Lenient Open,
    OptionalPropertyAddedToOpenContentModel OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL Lenient Open,
    PropertyWithEmptySchemaAddedToOpenContentModel PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL Harmless Silent,
    RequiredPropertyAddedToUnopenContentModel REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL Breaking Unopen,
    RequiredPropertyWithDefaultAddedToUnopenContentModel REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL Harmless Silent,
    OptionalPropertyAddedToUnopenContentModel OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL Harmless Silent,
    PropertyRemovedFromOpenContentModel PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL Harmless Silent,
    PropertyWithFalseRemovedFromClosedContentModel PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL Harmless Silent,
    PropertyRemovedFromClosedContentModel PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL Lenient Closed,
    PropertyRemovedIsCoveredByPartiallyOpenContentModel PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL Harmless Silent,
    PropertyRemovedNotCoveredByPartiallyOpenContentModel PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL Lenient RemovedUncovered,
    PropertyAddedIsCoveredByPartiallyOpenContentModel PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL Harmless Silent,
    PropertyAddedNotCoveredByPartiallyOpenContentModel PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL Lenient AddedUncovered,
    UnevaluatedPropertiesAdded UNEVALUATED_PROPERTIES_ADDED Harmless Silent,
    UnevaluatedPropertiesRemoved UNEVALUATED_PROPERTIES_REMOVED Lenient Keyword,
    UnevaluatedPropertiesExtended UNEVALUATED_PROPERTIES_EXTENDED Harmless Silent,
    UnevaluatedPropertiesNarrowed UNEVALUATED_PROPERTIES_NARROWED Lenient Fewer,
    MaxItemsAdded MAX_ITEMS_ADDED Breaking Keyword,
    MaxItemsRemoved MAX_ITEMS_REMOVED Harmless Silent,
    MaxItemsIncreased MAX_ITEMS_INCREASED Harmless Silent,
    MaxItemsDecreased MAX_ITEMS_DECREASED Breaking Less,
    MinItemsAdded MIN_ITEMS_ADDED Breaking Keyword,
    MinItemsRemoved MIN_ITEMS_REMOVED Harmless Silent,
    MinItemsIncreased MIN_ITEMS_INCREASED Breaking More,
    MinItemsDecreased MIN_ITEMS_DECREASED Harmless Silent,
    MaxContainsAdded MAX_CONTAINS_ADDED Breaking Keyword,
    MaxContainsRemoved MAX_CONTAINS_REMOVED Harmless Silent,
    MaxContainsIncreased MAX_CONTAINS_INCREASED Harmless Silent,
    MaxContainsDecreased MAX_CONTAINS_DECREASED Breaking Less,
    MinContainsAdded MIN_CONTAINS_ADDED Breaking Keyword,
    MinContainsRemoved MIN_CONTAINS_REMOVED Harmless Silent,
    MinContainsIncreased MIN_CONTAINS_INCREASED Breaking More,
    MinContainsDecreased MIN_CONTAINS_DECREASED Harmless Silent,
    UniqueItemsAdded UNIQUE_ITEMS_ADDED Breaking Keyword,
    UniqueItemsRemoved UNIQUE_ITEMS_REMOVED Harmless Silent,
    AdditionalItemsAdded ADDITIONAL_ITEMS_ADDED Harmless Silent,
    AdditionalItemsRemoved ADDITIONAL_ITEMS_REMOVED Breaking Keyword,
    AdditionalItemsExtended ADDITIONAL_ITEMS_EXTENDED Harmless Silent,
    AdditionalItemsNarrowed ADDITIONAL_ITEMS_NARROWED Breaking Fewer,
    UnevaluatedItemsAdded UNEVALUATED_ITEMS_ADDED Harmless Silent,
    UnevaluatedItemsRemoved UNEVALUATED_ITEMS_REMOVED Breaking Keyword,
    UnevaluatedItemsExtended UNEVALUATED_ITEMS_EXTENDED Harmless Silent,
    UnevaluatedItemsNarrowed UNEVALUATED_ITEMS_NARROWED Breaking Fewer,
    ItemAddedToOpenContentModel ITEM_ADDED_TO_OPEN_CONTENT_MODEL Breaking Open,
    ItemWithEmptySchemaAddedToOpenContentModel ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL Harmless Silent,
    ItemAddedToClosedContentModel ITEM_ADDED_TO_CLOSED_CONTENT_MODEL Harmless Silent,
    ItemRemovedFromOpenContentModel ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL Harmless Silent,
    ItemWithFalseRemovedFromClosedContentModel ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL Harmless Silent,
    ItemRemovedFromClosedContentModel ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL Breaking Closed,
    ItemRemovedIsCoveredByPartiallyOpenContentModel ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL Harmless Silent,
    ItemRemovedNotCoveredByPartiallyOpenContentModel ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL Breaking RemovedUncovered,
    ItemAddedIsCoveredByPartiallyOpenContentModel ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL Harmless Silent,
    ItemAddedNotCoveredByPartiallyOpenContentModel ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL Breaking AddedUncovered,
    EnumArrayExtended ENUM_ARRAY_EXTENDED Harmless Silent,
    EnumArrayNarrowed ENUM_ARRAY_NARROWED Breaking Fewer,
    EnumArrayChanged ENUM_ARRAY_CHANGED Breaking Type,
    CombinedTypeExtended COMBINED_TYPE_EXTENDED Harmless Silent,
    CombinedTypeChanged COMBINED_TYPE_CHANGED Breaking Type,
    ProductTypeExtended PRODUCT_TYPE_EXTENDED Breaking Additional,
    ProductTypeNarrowed PRODUCT_TYPE_NARROWED Harmless Silent,
    SumTypeExtended SUM_TYPE_EXTENDED Harmless Additional,
    SumTypeNarrowed SUM_TYPE_NARROWED Breaking Fewer,
    CombinedTypeSubschemasChanged COMBINED_TYPE_SUBSCHEMAS_CHANGED Breaking Type,
    NotTypeExtended NOT_TYPE_EXTENDED Breaking Additional,
    NotTypeNarrowed NOT_TYPE_NARROWED Harmless Silent,
}

impl DifferenceKind {
    /// Whether a reader with such a difference still counts as able to read.
    pub fn is_compatible(self, policy: CompatibilityPolicy) -> bool {
        match self.effect() {
            Effect::Harmless => true,
            Effect::Lenient => policy == CompatibilityPolicy::Lenient,
            Effect::Breaking => false,
        }
    }

    /// What the reference says about a difference of this kind at `path`.
    pub(super) fn describe(self, path: &str, reader: &str, writer: &str) -> String {
        match self.words() {
            Words::Silent => String::new(),
            Words::Type => format!(
                "A type at path '{path}' is different between the {reader} schema and the {writer} schema"
            ),
            Words::Keyword => {
                format!(
                    "The keyword at path '{path}' in the {reader} schema is not present in the {writer} schema"
                )
            }
            Words::Less => format!(
                "The value at path '{path}' in the {reader} schema is less than its value in the {writer} schema"
            ),
            Words::More => format!(
                "The value at path '{path}' in the {reader} schema is more than its value in the {writer} schema"
            ),
            Words::Value => {
                format!("The value at path '{path}' is different between the {reader} and {writer} schema")
            }
            Words::Fewer => format!(
                "An array or combined type at path '{path}' has fewer elements in the {reader} schema than the \
                 {writer} schema"
            ),
            Words::Additional => format!(
                "An array or combined type at path '{path}' has more elements in the {reader} schema than the \
                 {writer} schema"
            ),
            Words::Open => format!(
                "The {reader} schema has an open content model and has a property or item at path '{path}' which is \
                 missing in the {writer} schema"
            ),
            Words::Unopen => format!(
                "The {reader} schema has an unopen content model and has a required property at path '{path}' which \
                 is missing in the {writer} schema"
            ),
            Words::Closed => format!(
                "The {reader} has a closed content model and is missing a property or item present at path '{path}' \
                 in the {writer} schema"
            ),
            Words::RemovedUncovered => format!(
                "A property or item is missing in the {reader} schema but present at path '{path}' in the {writer} \
                 schema and is not covered by its partially open content model"
            ),
            Words::AddedUncovered => format!(
                "The {reader} schema has a property or item at path '{path}' which is missing in the {writer} schema \
                 and is not covered by its partially open content model"
            ),
        }
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
