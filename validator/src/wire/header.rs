//! The beginning of requests and responses (broker validation spec §9).

use super::{Reader, WireError, api};

/// The beginning of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// Which API.
    pub api_key: i16,
    /// In which version.
    pub version: i16,
    /// What the response will repeat.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// Bytes, behind the frame's size, that hold key, version and correlation id.
    pub const FIXED_BYTES: usize = 8;

    /// Reads the part of a header that every request has. The client id stays unread.
    ///
    /// `message`: what follows the frame's size.
    pub fn peek(message: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(message, false);
        Ok(Self {
            api_key: reader.i16()?,
            version: reader.i16()?,
            correlation_id: reader.i32()?,
            client_id: None,
        })
    }

    /// Reads a whole header and leaves the reader at the body.
    ///
    /// `message`: what follows the frame's size. The client id is always in the old form, also in version 2 of the
    /// header, which adds tagged fields.
    pub fn read(message: &'a [u8]) -> Result<(Self, Reader<'a>), WireError> {
        let mut old = Reader::new(message, false);
        let api_key = old.i16()?;
        let version = old.i16()?;
        let correlation_id = old.i32()?;
        let client_id = old.nullable_string()?;
        let flexible = api::find(api_key).is_some_and(|api| api.is_flexible(version));
        let mut body = Reader::new(message, flexible);
        body.take(old.at())?;
        body.skip_tags()?;
        Ok((Self { api_key, version, correlation_id, client_id }, body))
    }
}

/// Leaves a reader at the body of a response.
///
/// `message`: what follows the frame's size. Answers the correlation id as well.
pub fn response_body(message: &[u8], api_key: i16, version: i16) -> Result<(i32, Reader<'_>), WireError> {
    let flexible = api::find(api_key).is_some_and(|api| api.is_flexible(version));
    let mut reader = Reader::new(message, flexible);
    let correlation_id = reader.i32()?;
    if api_key != api::API_VERSIONS {
        reader.skip_tags()?;
    }
    Ok((correlation_id, reader))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_versions_differ_in_tags_only() {
        let produce_v8 = [0, 0, 0, 8, 0, 0, 0, 5, 0, 1, b'c', 0xff];
        let (header, body) = RequestHeader::read(&produce_v8).unwrap();
        assert_eq!(header, RequestHeader { api_key: 0, version: 8, correlation_id: 5, client_id: Some("c") });
        assert_eq!(body.rest(), [0xff]);

        let produce_v9 = [0, 0, 0, 9, 0, 0, 0, 5, 0xff, 0xff, 1, 3, 1, 0, 0xee];
        let (header, body) = RequestHeader::read(&produce_v9).unwrap();
        assert_eq!(header.client_id, None);
        assert_eq!(body.rest(), [0xee]);
    }

    #[test]
    fn api_versions_responses_have_the_old_header() {
        let response = [0, 0, 0, 5, 0, 35];
        let (id, mut body) = response_body(&response, api::API_VERSIONS, 4).unwrap();
        assert_eq!((id, body.i16()), (5, Ok(35)));
        let response = [0, 0, 0, 5, 0, 0xaa];
        let (_, body) = response_body(&response, api::METADATA, 9).unwrap();
        assert_eq!(body.rest(), [0xaa]);
    }

    #[test]
    fn cut_headers_are_errors() {
        let whole = [0, 0, 0, 9, 0, 0, 0, 5, 0, 1, b'c', 1, 0, 1, 9];
        for length in 0..whole.len() {
            assert_eq!(
                RequestHeader::read(&whole[..length]).map(|_| ()),
                Err(WireError::Truncated),
                "{length}"
            );
        }
        assert!(RequestHeader::read(&whole).is_ok());
    }
}
