//! The codes of findings: stable, because people silence and search for them.

use super::explain;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not what was meant, or dangerous.
    Warning,
    /// AWS refuses the policy, or a part of it can never do what it says.
    Error,
}

impl Severity {
    /// The severity as people and SARIF call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Makes the list of codes once for all that depends on it.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $id:literal $severity:ident $title:literal;)*) => {
        /// What a finding is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its number, such as `AMB0201`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What it says, in one line.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// How grave it is, as a rule.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    InvalidJson "AMB0201" Error "the text is not JSON";
    NotAPolicy "AMB0202" Error "an element is missing or is not what it must be";
    UnknownElement "AMB0203" Error "an element that policies do not have";
    UnknownOperator "AMB0204" Error "a condition operator that does not exist";
    DoubledElement "AMB0205" Error "the same name twice in one object";
    EmptyList "AMB0206" Error "a list that must not be empty";
    NotChecked "AMB0209" Note "a part of the policy was not checked";

    UnknownService "AMB0210" Warning "an action of a service that is not known";
    UnknownAction "AMB0211" Warning "an action that is not known";
    NoSuchActions "AMB0212" Warning "a pattern that matches no known action";
    MalformedAction "AMB0213" Error "an action that never matches";
    DeniesNothing "AMB0214" Warning "a Deny that denies nothing";

    ResourceUnused "AMB0220" Warning "a resource that no action of the statement acts on";
    ActionWithoutResource "AMB0221" Warning "an action that acts on none of the statement's resources";
    ActionNeedsStar "AMB0222" Warning "an action that needs resource `*`";
    IncompleteArn "AMB0223" Warning "an ARN with fewer than six parts";
    MalformedArn "AMB0224" Error "a resource that is neither an ARN nor `*`";
    WildcardService "AMB0225" Error "a wildcard in the service of an ARN";
    WildcardType "AMB0226" Warning "a wildcard in the resource type of an ARN";
    VariableOutsideTail "AMB0227" Warning "a policy variable before the last part of an ARN";
    UnknownVariable "AMB0228" Warning "a policy variable that is not known";
    LiteralVariable "AMB0229" Warning "a policy variable that is only text";

    NoValues "AMB0230" Error "a condition without values";
    BadValue "AMB0231" Error "a value that the operator cannot compare with";
    Contradiction "AMB0232" Error "conditions that can never hold together";
    LiteralWildcard "AMB0233" Warning "a wildcard that the operator takes literally";
    AlwaysHolds "AMB0234" Warning "a condition that always holds";
    AllValuesOfNone "AMB0235" Warning "`ForAllValues` in an Allow, without a check that the key is there";
    NegatedAbsent "AMB0236" Note "a negated condition in an Allow, which holds when the key is absent";
    ShortArnPattern "AMB0237" Warning "an ARN condition with fewer than six parts";
    UnknownKey "AMB0238" Warning "a condition key that is not known";
    KeyNotOfAction "AMB0239" Warning "a condition key that no action of the statement has";
    WrongOperator "AMB0240" Warning "an operator of another type than its key";
    SingleOnMany "AMB0241" Warning "a key with several values, without `ForAllValues` or `ForAnyValue`";
    SetOnSingle "AMB0242" Note "`ForAllValues` or `ForAnyValue` on a key with one value";

    PrincipalMissing "AMB0250" Error "a statement without `Principal` where one is needed";
    NotOfThisKind "AMB0251" Error "an element that this kind of policy cannot have";
    Everyone "AMB0252" Warning "access for everyone";
    AllowNotPrincipal "AMB0253" Error "Allow with `NotPrincipal`";
    DenyNotPrincipal "AMB0254" Warning "Deny with `NotPrincipal`";
    AllowNotAction "AMB0255" Warning "Allow with `NotAction`";
    AllowNotResource "AMB0256" Warning "Allow with `NotResource`";
    MalformedPrincipal "AMB0257" Error "a principal that names nobody";
    OpenFederation "AMB0258" Warning "trust in every token of an identity provider";

    GrantsEverything "AMB0260" Warning "everything is allowed";
    PolicyEscalation "AMB0261" Warning "permissions can be raised through policies and groups";
    CredentialEscalation "AMB0262" Warning "credentials of other users can be made";
    TrustEscalation "AMB0263" Warning "roles can be taken over or assumed";
    PassRole "AMB0264" Warning "any role can be given to something that runs code";
    CodeEscalation "AMB0265" Warning "code that runs under other roles can be changed";
    BoundaryRemoval "AMB0266" Warning "permissions boundaries can be removed";
    Exposure "AMB0267" Warning "data can be opened to others";

    TooLarge "AMB0270" Error "the policy is larger than AWS takes";
    DuplicateSid "AMB0271" Error "two statements of one name";
    IllegalSid "AMB0272" Error "a statement name with characters that IAM refuses";
    Covered "AMB0273" Note "a statement that another one covers";
}

impl Code {
    /// Reads a number, in whatever case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.id().eq_ignore_ascii_case(text))
    }

    /// What it means, why it matters, and how to mend it.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        explain::explanation(self)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_number_of_its_own_and_words() {
        let mut ids: Vec<&str> = Code::ALL.iter().map(|code| code.id()).collect();
        assert!(ids.is_sorted());
        ids.dedup();
        assert_eq!(ids.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.id().len() == 7 && code.id().starts_with("AMB02"), "{code}");
            assert_eq!(Code::parse(&code.id().to_lowercase()), Some(*code));
            assert!(!code.title().is_empty() && !code.title().ends_with('.'), "{code}");
            let explanation = code.explanation();
            assert!(explanation.len() > 80 && explanation.ends_with(['.', ')']), "{code}: {explanation}");
        }
        assert_eq!(Code::parse("AMB0299"), None);
        assert_eq!(Code::parse(""), None);
    }
}
