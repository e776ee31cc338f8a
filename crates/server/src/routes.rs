//! The one way to add a route.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;

use crate::Shared;
use crate::auth::{self, Access};
use crate::problem::Problem;

/// Routes, each with who may call it.
pub(crate) struct Routes {
    shared: Shared,
    router: Router<Shared>,
}

impl Routes {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared, router: Router::new() }
    }

    /// Adds a route that `access` may call; everybody else gets 401 or 403 before the handler sees the request.
    pub(crate) fn add(self, path: &str, access: Access, handlers: MethodRouter<Shared>) -> Self {
        let guard = from_fn_with_state((access, self.shared.clone()), guard);
        Self { router: self.router.route(path, handlers.route_layer(guard)), ..self }
    }

    pub(crate) fn into_router(self) -> Router {
        self.router.with_state(self.shared)
    }
}

/// Lets a request through, or answers it.
async fn guard(
    State((access, shared)): State<(Access, Shared)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    auth::decide(access, &request, &shared.settings)?;
    Ok(next.run(request).await)
}
