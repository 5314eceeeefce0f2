//! The last answers of a Postern that is about to stop.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::web;
use server_model::backend::Backend;

/// Hangs up after an answer once this Postern is about to stop. A connection that were kept would be closed with the
/// last of them, perhaps under the next request of a proxy, which cannot know then whether that was carried out.
pub async fn hang_up<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let mut response = next.call(request).await?;
    // Asked when the answer is there: the signal may have come meanwhile.
    let backend = response.request().app_data::<web::Data<Backend>>();
    if backend.is_some_and(|backend| backend.is_stopping()) {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}
