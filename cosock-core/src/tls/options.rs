//! The names of OpenSSL's options, as `ssl.config.options` lists them.

use openssl::ssl::SslOptions;

/// An option's bit; these numbers are part of OpenSSL's interface since version 3.0.
const fn bit(number: u32) -> u64 {
    1 << number
}

/// Names that older versions gave a meaning: they are known, and do nothing.
const OBSOLETE: u64 = 0;

const NO_SSL: u64 = bit(25) | bit(26) | bit(27) | bit(28) | bit(29);
const NO_DTLS: u64 = bit(26) | bit(27);
const ALL: u64 = bit(31) | bit(11) | bit(4) | bit(6);

/// Every option and its bits, in the order of their names.
#[rustfmt::skip]
pub const TABLE: [(&str, u64); 53] = [
    ("all", ALL),
    ("allow_client_renegotiation", bit(8)),
    ("allow_no_dhe_kex", bit(10)),
    ("allow_unsafe_legacy_renegotiation", bit(18)),
    ("cipher_server_preference", bit(22)),
    ("cisco_anyconnect", bit(15)),
    ("cleanse_plaintext", bit(1)),
    ("cookie_exchange", bit(13)),
    ("cryptopro_tlsext_bug", bit(31)),
    ("disable_tlsext_ca_names", bit(9)),
    ("dont_insert_empty_fragments", bit(11)),
    ("enable_ktls", bit(3)),
    ("enable_middlebox_compat", bit(20)),
    ("ephemeral_rsa", OBSOLETE),
    ("ignore_unexpected_eof", bit(7)),
    ("legacy_server_connect", bit(2)),
    ("microsoft_big_sslv3_buffer", OBSOLETE),
    ("microsoft_sess_id_bug", OBSOLETE),
    ("msie_sslv2_rsa_padding", OBSOLETE),
    ("netscape_ca_dn_bug", OBSOLETE),
    ("netscape_challenge_bug", OBSOLETE),
    ("netscape_demo_cipher_change_bug", OBSOLETE),
    ("netscape_reuse_cipher_change_bug", OBSOLETE),
    ("no_anti_replay", bit(24)),
    ("no_compression", bit(17)),
    ("no_dtls_mask", NO_DTLS),
    ("no_dtlsv1", bit(26)),
    ("no_dtlsv1_2", bit(27)),
    ("no_encrypt_then_mac", bit(19)),
    ("no_extended_master_secret", bit(0)),
    ("no_query_mtu", bit(12)),
    ("no_renegotiation", bit(30)),
    ("no_session_resumption_on_renegotiation", bit(16)),
    ("no_ssl_mask", NO_SSL),
    ("no_sslv2", OBSOLETE),
    ("no_sslv3", bit(25)),
    ("no_ticket", bit(14)),
    ("no_tlsv1", bit(26)),
    ("no_tlsv1_1", bit(28)),
    ("no_tlsv1_2", bit(27)),
    ("no_tlsv1_3", bit(29)),
    ("pkcs1_check_1", OBSOLETE),
    ("pkcs1_check_2", OBSOLETE),
    ("prioritize_chacha", bit(21)),
    ("safari_ecdhe_ecdsa_bug", bit(6)),
    ("single_dh_use", OBSOLETE),
    ("single_ecdh_use", OBSOLETE),
    ("ssleay_080_client_dh_bug", OBSOLETE),
    ("sslref2_reuse_cert_type_bug", OBSOLETE),
    ("tls_block_padding_bug", OBSOLETE),
    ("tls_d5_bug", OBSOLETE),
    ("tls_rollback_bug", bit(23)),
    ("tlsext_padding", bit(4)),
];

/// The option of this name.
pub(super) fn named(name: &[u8]) -> Option<SslOptions> {
    let place = TABLE.binary_search_by(|(known, _)| known.as_bytes().cmp(name));
    place
        .ok()
        .map(|place| SslOptions::from_bits_retain(TABLE[place].1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found() {
        for (name, bits) in TABLE {
            assert_eq!(
                named(name.as_bytes()).map(|it| it.bits()),
                Some(bits),
                "{name}"
            );
        }
        assert_eq!(named(b"no_sslv4"), None);
        assert_eq!(named(b""), None);
    }

    #[test]
    fn the_bits_are_those_of_the_library() {
        let known = [
            ("all", openssl_sys::SSL_OP_ALL),
            ("no_ssl_mask", openssl_sys::SSL_OP_NO_SSL_MASK),
            ("no_sslv3", openssl_sys::SSL_OP_NO_SSLv3),
            ("no_tlsv1", openssl_sys::SSL_OP_NO_TLSv1),
            ("no_tlsv1_1", openssl_sys::SSL_OP_NO_TLSv1_1),
            ("no_tlsv1_2", openssl_sys::SSL_OP_NO_TLSv1_2),
            ("no_tlsv1_3", openssl_sys::SSL_OP_NO_TLSv1_3),
            ("no_ticket", openssl_sys::SSL_OP_NO_TICKET),
            ("no_compression", openssl_sys::SSL_OP_NO_COMPRESSION),
            ("no_renegotiation", openssl_sys::SSL_OP_NO_RENEGOTIATION),
            (
                "ignore_unexpected_eof",
                openssl_sys::SSL_OP_IGNORE_UNEXPECTED_EOF,
            ),
            (
                "cipher_server_preference",
                openssl_sys::SSL_OP_CIPHER_SERVER_PREFERENCE,
            ),
            ("prioritize_chacha", openssl_sys::SSL_OP_PRIORITIZE_CHACHA),
            (
                "legacy_server_connect",
                openssl_sys::SSL_OP_LEGACY_SERVER_CONNECT,
            ),
            ("tls_rollback_bug", openssl_sys::SSL_OP_TLS_ROLLBACK_BUG),
            ("cisco_anyconnect", openssl_sys::SSL_OP_CISCO_ANYCONNECT),
        ];
        for (name, bits) in known {
            assert_eq!(
                named(name.as_bytes()).map(|it| it.bits()),
                Some(bits),
                "{name}"
            );
        }
    }
}
