//! `/web/content/<id>`: the content of an attachment.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use server_model::backend::Backend;
use server_model::files;
use url::form_urlencoded;

use crate::{caller, page, routes};

/// Somebody sent these files, so a browser must take none of them for a page of ours.
const POLICY: &str = "default-src 'none'; sandbox";

/// Gives the file, inline as Odoo does, or to be saved with `?download=true`. A file that does not
/// exist and one that the caller may not read look the same. `?access_token=` stands for a sign-in: it
/// comes with the links of mails whose files were too large to send along.
pub async fn content(
    request: HttpRequest,
    id: web::Path<i32>,
    backend: web::Data<Backend>,
) -> HttpResponse {
    let backend = backend.into_inner();
    let found = async {
        let caller = caller::signed_in(&request, &backend).await?;
        let token = form_urlencoded::parse(request.query_string().as_bytes())
            .find(|(name, _)| name == "access_token")
            .map(|(_, token)| token);
        let found = files::content(&backend, caller.as_ref(), *id, token.as_deref());
        Ok::<_, crate::error::Error>(found.await?)
    };
    match found.await {
        Ok(Some(file)) => answer(&request, file),
        Ok(None) => routes::not_found().await,
        Err(error) => {
            tracing::error!(attachment = *id, %error, "a file could not be read");
            page::plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The file could not be read",
                "Something failed here; the log of the server tells what.",
            )
        }
    }
}

fn answer(request: &HttpRequest, file: files::File) -> HttpResponse {
    let wants_to_save = form_urlencoded::parse(request.query_string().as_bytes())
        .any(|(name, value)| name == "download" && !matches!(value.as_ref(), "" | "0" | "false"));
    let media_type = file
        .mimetype
        .as_deref()
        .filter(|text| header::HeaderValue::from_str(text).is_ok())
        .unwrap_or("application/octet-stream");
    let disposition = header::ContentDisposition {
        disposition: if wants_to_save {
            header::DispositionType::Attachment
        } else {
            header::DispositionType::Inline
        },
        parameters: vec![header::DispositionParam::FilenameExt(
            header::ExtendedValue {
                charset: header::Charset::Ext("UTF-8".into()),
                language_tag: None,
                value: file.name.into_bytes(),
            },
        )],
    };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, media_type))
        .insert_header(disposition)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(file.bytes)
}
