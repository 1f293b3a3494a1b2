-- ssl.config tells what a configuration may say.
local world = require "world"
local expect = require "expect"
local ssl = require "cosock.ssl"

local function names_of(set)
  local names = {}
  for name, value in pairs(set) do
    expect.equal(type(name), "string")
    if name ~= "dane" then
      expect.equal(value, true, name)
    end
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, " ")
end

local config = ssl.config
expect.equal(config, ssl.config, "it is one table")
local fields = {}
for name, value in pairs(config) do
  expect.equal(type(value), "table", name)
  fields[#fields + 1] = name
end
table.sort(fields)
expect.list(fields, { "algorithms", "capabilities", "curves", "options", "protocols" })

expect.equal(names_of(config.protocols), "tlsv1 tlsv1_1 tlsv1_2 tlsv1_3")
expect.equal(names_of(config.algorithms), "ec")
expect.equal(names_of(config.capabilities), "alpn curves_list dane ecdh_auto")
expect.equal(names_of(config.capabilities.dane), "no_ee_namechecks")
expect.equal(names_of(config.options), table.concat({
  "all allow_client_renegotiation allow_no_dhe_kex allow_unsafe_legacy_renegotiation",
  "cipher_server_preference cisco_anyconnect cleanse_plaintext cookie_exchange cryptopro_tlsext_bug",
  "disable_tlsext_ca_names dont_insert_empty_fragments enable_ktls enable_middlebox_compat",
  "ephemeral_rsa ignore_unexpected_eof legacy_server_connect microsoft_big_sslv3_buffer",
  "microsoft_sess_id_bug msie_sslv2_rsa_padding netscape_ca_dn_bug netscape_challenge_bug",
  "netscape_demo_cipher_change_bug netscape_reuse_cipher_change_bug no_anti_replay no_compression",
  "no_dtls_mask no_dtlsv1 no_dtlsv1_2 no_encrypt_then_mac no_extended_master_secret no_query_mtu",
  "no_renegotiation no_session_resumption_on_renegotiation no_ssl_mask no_sslv2 no_sslv3 no_ticket",
  "no_tlsv1 no_tlsv1_1 no_tlsv1_2 no_tlsv1_3 pkcs1_check_1 pkcs1_check_2 prioritize_chacha",
  "safari_ecdhe_ecdsa_bug single_dh_use single_ecdh_use ssleay_080_client_dh_bug",
  "sslref2_reuse_cert_type_bug tls_block_padding_bug tls_d5_bug tls_rollback_bug tlsext_padding",
}, " "))
-- Which others there are, is the library's affair.
for _, curve in ipairs { "P-256", "P-384", "P-521", "X25519", "X448", "prime256v1", "secp521r1" } do
  expect.equal(config.curves[curve], true, curve)
end

world.finish()
