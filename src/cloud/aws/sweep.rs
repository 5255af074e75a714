//! Reading all principals of the account in bulk.

use aws_sdk_iam::types::EntityType;

use super::{AwsCloud, facts, pages};
use crate::cloud::{CloudError, Page, PageToken};

/// The most that IAM gives in one page. It may give fewer and say that there is more.
const PAGE_SIZE: i32 = 1000;

impl AwsCloud {
    /// One page of all roles in the account, and of all users where Ambit makes some.
    ///
    /// IAM cannot select by path here. The call is still by far the cheapest:
    /// it brings trust, policies, attachments and tags at once.
    pub(super) async fn sweep_page(&self, from: Option<&PageToken>) -> Result<Page, CloudError> {
        const OPERATION: &str = "iam:GetAccountAuthorizationDetails";
        let request = self
            .iam
            .get_account_authorization_details()
            .set_filter(Some(if self.account.users {
                vec![EntityType::Role, EntityType::User]
            } else {
                vec![EntityType::Role]
            }))
            .max_items(PAGE_SIZE)
            .set_marker(from.map(|token| token.0.clone()));
        let answer = self.call(OPERATION, request.send()).await?;
        let roles = answer.role_detail_list.unwrap_or_default().into_iter();
        let users = answer.user_detail_list.unwrap_or_default().into_iter();
        let roles = roles.filter_map(|role| facts::from_detail(&self.account, role));
        let users = users.filter_map(|user| facts::from_user_detail(&self.account, user));
        let principals = roles.chain(users).collect();
        let next = pages::next(OPERATION, answer.is_truncated, answer.marker)?.map(PageToken);
        Ok(Page { principals, next })
    }
}
