//! Loads OpenSSL when it is first used: loaded with the module, it would be half of what `require` costs.

use crate::late::late;

const WHAT: &str = "OpenSSL";

/// The library that has the headers' version; it brings libcrypto.
const LIBRARY: &str = concat!("libssl.so.", env!("COSOCK_OPENSSL_MAJOR"), "\0");

late! {
    "cosock_openssl", WHAT, LIBRARY,
    ASN1_INTEGER_to_BN ASN1_STRING_get0_data ASN1_STRING_length ASN1_STRING_to_UTF8 ASN1_TIME_print
    BIO_clear_flags BIO_ctrl BIO_free_all BIO_get_data BIO_meth_free BIO_meth_new
    BIO_meth_set_create BIO_meth_set_ctrl BIO_meth_set_destroy BIO_meth_set_puts BIO_meth_set_read
    BIO_meth_set_write BIO_new BIO_new_mem_buf BIO_s_mem BIO_set_data BIO_set_flags BIO_set_init
    BN_bn2hex BN_free CRYPTO_free CRYPTO_get_ex_new_index CRYPTO_malloc DH_free EC_KEY_free
    EC_KEY_new_by_curve_name EC_get_builtin_curves ERR_clear_error ERR_get_error_all
    ERR_lib_error_string ERR_new ERR_peek_error ERR_reason_error_string ERR_set_debug ERR_set_error
    ERR_set_error_data EVP_PKEY_free EVP_PKEY_get_bits EVP_PKEY_get_id EVP_Q_digest EVP_sha1
    EVP_sha256 EVP_sha512 GENERAL_NAME_free OBJ_nid2ln OBJ_nid2sn OBJ_obj2nid OBJ_obj2txt OPENSSL_init_ssl
    OPENSSL_sk_free OPENSSL_sk_new_null OPENSSL_sk_num OPENSSL_sk_pop OPENSSL_sk_push
    OPENSSL_sk_value OpenSSL_version PEM_read_bio_DHparams PEM_read_bio_PrivateKey PEM_read_bio_X509
    PEM_write_bio_PUBKEY PEM_write_bio_X509 RAND_bytes SSL_CIPHER_description SSL_CIPHER_get_bits
    SSL_CIPHER_get_name SSL_CTX_callback_ctrl SSL_CTX_check_private_key SSL_CTX_ctrl
    SSL_CTX_dane_enable SSL_CTX_dane_set_flags SSL_CTX_free SSL_CTX_get_ex_data
    SSL_CTX_load_verify_locations SSL_CTX_new SSL_CTX_sess_set_new_cb SSL_CTX_set_alpn_protos
    SSL_CTX_set_alpn_select_cb SSL_CTX_set_cipher_list SSL_CTX_set_ciphersuites
    SSL_CTX_set_client_hello_cb SSL_CTX_set_default_passwd_cb SSL_CTX_set_default_verify_paths
    SSL_CTX_set_ex_data SSL_CTX_set_options SSL_CTX_set_session_id_context SSL_CTX_set_verify
    SSL_CTX_set_verify_depth SSL_CTX_up_ref SSL_CTX_use_PrivateKey
    SSL_CTX_use_certificate_chain_file SSL_SESSION_free SSL_SESSION_get_protocol_version
    SSL_SESSION_up_ref SSL_client_hello_get0_ext SSL_ctrl SSL_dane_enable SSL_dane_tlsa_add
    SSL_do_handshake SSL_export_keying_material SSL_free SSL_get0_alpn_selected SSL_get0_param
    SSL_get1_peer_certificate SSL_get_SSL_CTX SSL_get_certificate SSL_get_current_cipher
    SSL_get_error SSL_get_ex_data SSL_get_ex_data_X509_STORE_CTX_idx SSL_get_finished
    SSL_get_options SSL_get_peer_cert_chain SSL_get_peer_finished SSL_get_rbio SSL_get_servername
    SSL_get_verify_mode SSL_get_verify_result SSL_get_version SSL_has_pending SSL_new SSL_peek_ex
    SSL_pending SSL_read_ex SSL_session_reused SSL_set_SSL_CTX SSL_set_accept_state SSL_set_bio
    SSL_set_connect_state SSL_set_ex_data SSL_set_session SSL_set_session_id_context SSL_set_verify SSL_shutdown SSL_want
    SSL_write_ex TLS_method X509_ALGOR_get0 X509_NAME_ENTRY_get_data X509_NAME_ENTRY_get_object
    X509_NAME_entry_count X509_NAME_get_entry X509_NAME_get_index_by_NID X509_STORE_CTX_cleanup
    X509_STORE_CTX_free X509_STORE_CTX_get_error X509_STORE_CTX_get_error_depth
    X509_STORE_CTX_get_ex_data X509_STORE_CTX_init X509_STORE_CTX_new X509_STORE_CTX_set_cert
    X509_STORE_CTX_set_current_cert X509_STORE_add_cert X509_STORE_free X509_STORE_new
    X509_VERIFY_PARAM_set1_host X509_VERIFY_PARAM_set1_ip X509_VERIFY_PARAM_set_flags
    X509_VERIFY_PARAM_set_hostflags X509_VERIFY_PARAM_set_purpose X509_cmp_time X509_digest
    X509_free X509_get0_signature X509_get_ext_d2i X509_get_issuer_name X509_get_pubkey
    X509_get_serialNumber X509_get_subject_name X509_getm_notAfter X509_getm_notBefore X509_up_ref
    X509_verify_cert X509_verify_cert_error_string
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::late::{find, open};

    #[test]
    fn all_functions_are_found() {
        assert_eq!(load(), Ok(()));
        assert_eq!(load(), Ok(()));
        let library = open(WHAT, LIBRARY).unwrap();
        let found = find(WHAT, library, NAMES).unwrap();
        // SAFETY: the slots are filled, and nobody writes to them any more.
        assert_eq!(unsafe { SLOTS }, found);
    }

    #[test]
    fn a_library_that_is_not_there_is_an_error() {
        let error = open(WHAT, "libcosock-has-no-such.so\0").unwrap_err();
        assert!(
            error.starts_with("OpenSSL cannot be loaded: libcosock-has-no-such.so"),
            "{error}"
        );
    }

    #[test]
    fn a_library_without_the_functions_is_an_error() {
        let error =
            find::<{ NAMES.len() }>(WHAT, open(WHAT, "libc.so.6\0").unwrap(), NAMES).unwrap_err();
        assert!(
            error.starts_with("OpenSSL cannot be used: it has no "),
            "{error}"
        );
    }
}
