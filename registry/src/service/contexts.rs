//! Contexts (registry API spec §4.8).

use muster_schema::Context;

use super::Service;
use super::error::{During as _, Operation, ServiceError};
use super::page::Page;

impl Service {
    /// The default context, then those in which a schema was registered, in order.
    pub async fn contexts(&self, prefix: &str, page: Page) -> Result<Vec<String>, ServiceError> {
        let known = self.store.contexts().await.during(Operation::Read)?;
        let names = std::iter::once(Context::default_context())
            .chain(known.into_iter().filter(|context| !context.is_default()))
            .map(|context| context.as_str().to_owned())
            .filter(|name| name.starts_with(prefix))
            .collect();
        page.of(names, self.options.search.contexts)
    }

    /// Forgets a context that has no versions, not even soft-deleted ones. Its config and mode stay.
    pub async fn delete_context(&self, context: &Context) -> Result<(), ServiceError> {
        self.write(Operation::DeleteContext, self.store.delete_context(context))
            .await
            .during(Operation::DeleteContext)
    }
}
