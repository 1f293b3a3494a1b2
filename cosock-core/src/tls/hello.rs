//! What a server decides when a client has introduced itself: the certificate, by the name that is
//! asked for, and the protocol (ALPN).
//!
//! A Lua function may choose the protocol. No Lua runs inside OpenSSL: the handshake is suspended with
//! a question, which whoever drives it answers.

use std::collections::HashMap;
use std::sync::LazyLock;

use openssl::ex_data::Index;
use openssl::ssl::{
    AlpnError, ClientHelloResponse, NameType, SniError, Ssl, SslAlert, SslContext,
    SslContextBuilder, SslRef,
};

use super::ffi;

/// How a server chooses among the protocols that a client offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAlpn {
    /// The first of these, in wire format, that the client offers.
    List(Vec<u8>),
    /// The connection's owner is asked.
    Ask,
}

/// The certificates of a server by name.
#[derive(Clone, Debug, Default)]
pub struct ServerNames {
    /// Contexts by the name that the client asks for.
    pub contexts: HashMap<Vec<u8>, NamedContext>,
    /// Whether a client that asks for another name is refused.
    pub strict: bool,
}

/// A context that serves one name.
#[derive(Clone)]
pub struct NamedContext {
    pub(super) ssl: SslContext,
    pub(super) asks: bool,
}

impl std::fmt::Debug for NamedContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamedContext").finish_non_exhaustive()
    }
}

/// What a suspended handshake wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The protocols that the client offers, in its order.
    pub offered: Vec<Vec<u8>>,
    /// The name in [`ServerNames`] whose context asks; `None` for the connection's own.
    pub name: Option<Vec<u8>>,
}

/// What one server connection knows of its client's first message.
#[derive(Default)]
struct Hello {
    names: ServerNames,
    asks: bool,
    question: Option<Question>,
    /// The answer in wire format, empty for none; `None` before there is one.
    answer: Option<Vec<u8>>,
}

static HELLO: LazyLock<Index<Ssl, Hello>> =
    LazyLock::new(|| Ssl::new_ex_index().expect("room for one more index"));

/// Prepares the context of a server.
pub(super) fn install(builder: &mut SslContextBuilder, alpn: Option<ServerAlpn>) {
    builder.set_servername_callback(choose_context);
    builder.set_client_hello_callback(|ssl, _| Ok(suspend(ssl)));
    match alpn {
        None => {}
        Some(ServerAlpn::List(list)) => {
            builder.set_alpn_select_callback(move |_, offered| choose(&list, offered));
        }
        Some(ServerAlpn::Ask) => builder.set_alpn_select_callback(|ssl, offered| {
            let answer = ssl
                .ex_data(*HELLO)
                .and_then(|hello| hello.answer.as_deref());
            choose(answer.unwrap_or_default(), offered)
        }),
    }
}

/// Makes room for the decisions of one connection; `asks` says that its own context does.
pub(super) fn attach(ssl: &mut SslRef, asks: bool) {
    ssl.set_ex_data(
        *HELLO,
        Hello {
            asks,
            ..Hello::default()
        },
    );
}

/// Sets the certificates by name of one connection.
pub(super) fn set_names(ssl: &mut SslRef, names: ServerNames) {
    if let Some(hello) = ssl.ex_data_mut(*HELLO) {
        hello.names = names;
    }
}

/// What the suspended handshake wants to know.
pub(super) fn question(ssl: &SslRef) -> Option<Question> {
    ssl.ex_data(*HELLO)?.question.clone()
}

/// Answers the question with protocols in wire format.
pub(super) fn answer(ssl: &mut SslRef, protocols: Vec<u8>) {
    if let Some(hello) = ssl.ex_data_mut(*HELLO) {
        hello.question = None;
        hello.answer = Some(protocols);
    }
}

fn choose_context(ssl: &mut SslRef, alert: &mut SslAlert) -> Result<(), SniError> {
    let (Some(name), Some(hello)) = (ssl.servername_raw(NameType::HOST_NAME), ssl.ex_data(*HELLO))
    else {
        return Err(SniError::NOACK);
    };
    match hello.names.contexts.get(name) {
        Some(named) => {
            let context = named.ssl.clone();
            ssl.set_ssl_context(&context)
                .map_err(|_| SniError::ALERT_FATAL)
        }
        None if hello.names.strict => {
            *alert = SslAlert::UNRECOGNIZED_NAME;
            Err(SniError::ALERT_FATAL)
        }
        None => Err(SniError::NOACK),
    }
}

/// Suspends the handshake if somebody has to be asked for a protocol.
fn suspend(ssl: &mut SslRef) -> ClientHelloResponse {
    const SERVER_NAME: u32 = 0;
    const PROTOCOLS: u32 = 16;
    let Some(hello) = ssl.ex_data(*HELLO) else {
        return ClientHelloResponse::SUCCESS;
    };
    if hello.answer.is_some() {
        return ClientHelloResponse::SUCCESS;
    }
    let name = ffi::client_hello_extension(ssl, SERVER_NAME).and_then(host_name);
    let named = name.and_then(|name| Some((name, hello.names.contexts.get(name)?)));
    let asks = named.map_or(hello.asks, |(_, named)| named.asks);
    let offered = ffi::client_hello_extension(ssl, PROTOCOLS).and_then(protocols);
    let (true, Some(offered)) = (asks, offered) else {
        return ClientHelloResponse::SUCCESS;
    };
    let name = named.map(|(name, _)| name.to_vec());
    if let Some(hello) = ssl.ex_data_mut(*HELLO) {
        hello.question = Some(Question { offered, name });
    }
    ClientHelloResponse::RETRY
}

/// The host name in a `server_name` extension (RFC 6066, section 3).
fn host_name(extension: &[u8]) -> Option<&[u8]> {
    let list = prefixed_16(extension)?;
    let (kind, rest) = list.split_first()?;
    (*kind == 0).then(|| prefixed_16(rest)).flatten()
}

/// The names in an `application_layer_protocol_negotiation` extension (RFC 7301, section 3.1).
fn protocols(extension: &[u8]) -> Option<Vec<Vec<u8>>> {
    Some(names(prefixed_16(extension)?).map(<[u8]>::to_vec).collect())
}

/// The bytes after a length of two bytes.
fn prefixed_16(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

/// The first of the server's protocols that is offered, both lists in wire format.
fn choose<'a>(server: &[u8], offered: &'a [u8]) -> Result<&'a [u8], AlpnError> {
    names(server)
        .find_map(|wanted| names(offered).find(|name| *name == wanted))
        .ok_or(AlpnError::NOACK)
}

/// The names of a list in wire format, up to where it breaks off.
fn names(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = list.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        list = rest;
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"\0\x06\0\0\x03abc", Some(b"abc".as_slice()))]
    #[case(b"\0\x06\x01\0\x03abc", None)]
    #[case(b"\0\x06\0\0\x09abc", None)]
    #[case(b"\0", None)]
    #[case(b"", None)]
    fn a_host_name_is_read_within_its_bounds(#[case] bytes: &[u8], #[case] name: Option<&[u8]>) {
        assert_eq!(host_name(bytes), name);
    }

    #[rstest]
    #[case(b"\0\x06\x02h2\x02h3", Some(vec![b"h2".to_vec(), b"h3".to_vec()]))]
    #[case(b"\0\x03\x02h2", Some(vec![b"h2".to_vec()]))]
    #[case(b"\0\x03\x09h2", Some(vec![]))]
    #[case(b"\0\x09\x02h2", None)]
    fn protocols_are_read_within_their_bounds(
        #[case] bytes: &[u8],
        #[case] names: Option<Vec<Vec<u8>>>,
    ) {
        assert_eq!(protocols(bytes), names);
    }
}
