//! The condition keys that every service has.
//!
//! Source: IAM User Guide, "AWS global condition context keys", with the types
//! given there; at its end the keys of services that come with the credentials
//! and so stand in requests to any service.

/// A key that every service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Global {
    /// In lower case; one that ends in `/` is followed by a name.
    pub name: &'static str,
    /// As the documentation writes it.
    pub spelling: &'static str,
    /// Its type, in the catalogue's words.
    pub kind: &'static str,
    /// Whether every request has it.
    pub always: bool,
}

const fn key(name: &'static str, spelling: &'static str, kind: &'static str) -> Global {
    Global { name, spelling, kind, always: false }
}

const fn always(name: &'static str, spelling: &'static str, kind: &'static str) -> Global {
    Global { name, spelling, kind, always: true }
}

/// All of them.
pub const GLOBALS: [Global; 73] = [
    always("aws:principalarn", "aws:PrincipalArn", "ARN"),
    always("aws:principalaccount", "aws:PrincipalAccount", "String"),
    key("aws:principalorgpaths", "aws:PrincipalOrgPaths", "ArrayOfString"),
    // Not in the list, but in use by AWS itself.
    key("aws:principalorgmasteraccountid", "aws:PrincipalOrgMasterAccountId", "String"),
    key("aws:principalorgid", "aws:PrincipalOrgID", "String"),
    key("aws:principaltag/", "aws:PrincipalTag/", "String"),
    always("aws:principalisawsservice", "aws:PrincipalIsAWSService", "Bool"),
    key("aws:principalservicename", "aws:PrincipalServiceName", "String"),
    key("aws:principalservicenameslist", "aws:PrincipalServiceNamesList", "ArrayOfString"),
    always("aws:principaltype", "aws:PrincipalType", "String"),
    always("aws:userid", "aws:userid", "String"),
    key("aws:username", "aws:username", "String"),
    key("aws:assumedroot", "aws:AssumedRoot", "String"),
    key("aws:federatedprovider", "aws:FederatedProvider", "String"),
    key("aws:tokenissuetime", "aws:TokenIssueTime", "Date"),
    key("aws:multifactorauthage", "aws:MultiFactorAuthAge", "Numeric"),
    key("aws:multifactorauthpresent", "aws:MultiFactorAuthPresent", "Bool"),
    key("aws:chatbotsourcearn", "aws:ChatbotSourceArn", "ARN"),
    key("aws:ec2instancesourcevpc", "aws:Ec2InstanceSourceVpc", "String"),
    key("aws:ec2instancesourceprivateipv4", "aws:Ec2InstanceSourcePrivateIPv4", "IP"),
    key("aws:sourceidentity", "aws:SourceIdentity", "String"),
    key("aws:signinsessionarn", "aws:SignInSessionArn", "ARN"),
    key("aws:sourceip", "aws:SourceIp", "IP"),
    key("aws:sourcevpc", "aws:SourceVpc", "String"),
    key("aws:sourcevpcarn", "aws:SourceVpcArn", "ARN"),
    key("aws:sourcevpce", "aws:SourceVpce", "String"),
    key("aws:vpceaccount", "aws:VpceAccount", "String"),
    key("aws:vpceorgid", "aws:VpceOrgID", "String"),
    key("aws:vpceorgpaths", "aws:VpceOrgPaths", "ArrayOfString"),
    key("aws:vpcsourceip", "aws:VpcSourceIp", "IP"),
    always("aws:resourceaccount", "aws:ResourceAccount", "String"),
    key("aws:resourceorgid", "aws:ResourceOrgID", "String"),
    key("aws:resourceorgpaths", "aws:ResourceOrgPaths", "ArrayOfString"),
    key("aws:resourcetag/", "aws:ResourceTag/", "String"),
    key("aws:calledvia", "aws:CalledVia", "ArrayOfString"),
    key("aws:calledviafirst", "aws:CalledViaFirst", "String"),
    key("aws:calledvialast", "aws:CalledViaLast", "String"),
    key("aws:calledviaawsmcp", "aws:CalledViaAWSMCP", "String"),
    always("aws:viaawsservice", "aws:ViaAWSService", "Bool"),
    key("aws:viaawsmcpservice", "aws:ViaAWSMCPService", "Bool"),
    key("aws:ismcpserviceaction", "aws:IsMcpServiceAction", "Bool"),
    always("aws:currenttime", "aws:CurrentTime", "Date"),
    always("aws:epochtime", "aws:EpochTime", "Date"),
    key("aws:referer", "aws:referer", "String"),
    always("aws:requestedregion", "aws:RequestedRegion", "String"),
    key("aws:requesttag/", "aws:RequestTag/", "String"),
    key("aws:tagkeys", "aws:TagKeys", "ArrayOfString"),
    always("aws:securetransport", "aws:SecureTransport", "Bool"),
    key("aws:sourceaccount", "aws:SourceAccount", "String"),
    key("aws:sourcearn", "aws:SourceArn", "ARN"),
    key("aws:sourceorgid", "aws:SourceOrgID", "String"),
    key("aws:sourceorgpaths", "aws:SourceOrgPaths", "ArrayOfString"),
    key("aws:sourceaccountorgid", "aws:SourceAccountOrgID", "String"),
    key("aws:useragent", "aws:UserAgent", "String"),
    key("ec2:roledelivery", "ec2:RoleDelivery", "Numeric"),
    key("ec2:sourceinstancearn", "ec2:SourceInstanceArn", "ARN"),
    key("ec2:instanceid", "ec2:InstanceID", "String"),
    key("glue:roleassumedby", "glue:RoleAssumedBy", "String"),
    key("glue:credentialissuingservice", "glue:CredentialIssuingService", "String"),
    key("codebuild:buildarn", "codebuild:BuildArn", "ARN"),
    key("codebuild:projectarn", "codebuild:ProjectArn", "ARN"),
    key("lambda:sourcefunctionarn", "lambda:SourceFunctionArn", "ARN"),
    key("ssm:sourceinstancearn", "ssm:SourceInstanceArn", "ARN"),
    key("identitystore:userid", "identitystore:UserId", "String"),
    key("identitystore:identitystorearn", "identitystore:IdentityStoreArn", "ARN"),
    key("s3:resourceaccount", "s3:ResourceAccount", "String"),
    key("s3:dataaccesspointarn", "s3:DataAccessPointArn", "ARN"),
    key("s3:dataaccesspointaccount", "s3:DataAccessPointAccount", "String"),
    key("s3:accesspointnetworkorigin", "s3:AccessPointNetworkOrigin", "String"),
    key("kms:viaservice", "kms:ViaService", "String"),
    key("sts:externalid", "sts:ExternalId", "String"),
    key("sts:rolesessionname", "sts:RoleSessionName", "String"),
    key("sts:sourceidentity", "sts:SourceIdentity", "String"),
];

/// The key of that name, which must be in lower case.
#[must_use]
pub fn global(name: &str) -> Option<&'static Global> {
    GLOBALS.iter().find(|global| match global.name.strip_suffix('/') {
        Some(_) => name.starts_with(global.name) && name.len() > global.name.len(),
        None => name == global.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_their_spellings_in_lower_case_and_found() {
        for entry in &GLOBALS {
            assert_eq!(entry.name, entry.spelling.to_ascii_lowercase());
            let name = if entry.name.ends_with('/') { format!("{}x", entry.name) } else { entry.name.to_owned() };
            assert_eq!(global(&name).map(|found| found.spelling), Some(entry.spelling));
        }
        assert!(global("aws:principaltag/").is_none());
        assert!(global("aws:sourceips").is_none());
    }
}
