// SPDX-License-Identifier: Apache-2.0
#include <crypto_mb/cpu_features.h>
#include <crypto_mb/ec_sm2.h>
#include <crypto_mb/sm3.h>
#include <crypto_mb/sm4.h>
#include <crypto_mb/sm4_gcm.h>
#include <crypto_mb/version.h>

#include <array>
#include <memory>

#include "peers/peer.h"

namespace {

using namespace cipherdeck::peers;

constexpr unsigned kSm4Lanes = 16;
constexpr unsigned kSm2Lanes = 8;

// What the calls want of a batch: arrays of pointers and lengths.
struct Lanes {
  explicit Lanes(Batch& batch) {
    for (unsigned i = 0; i < kSm4Lanes; ++i) {
      Message& m = batch.messages[i];
      in[i] = m.in.data();
      out[i] = m.out.data();
      len[i] = static_cast<int>(m.in.size());
      iv[i] = m.iv.data();
      iv_len[i] = static_cast<int>(m.iv.size());
      aad[i] = m.aad.data();
      aad_len[i] = static_cast<int>(m.aad.size());
      tag[i] = m.tag.data();
      tag_len[i] = static_cast<int>(m.tag.size());
      keys[i] = m.key;
      keys[i].insert(keys[i].end(), m.tweak_key.begin(), m.tweak_key.end());
      key[i] = reinterpret_cast<const sm4_key*>(keys[i].data());
      xts_key[i] = reinterpret_cast<const sm4_xts_key*>(keys[i].data());
    }
  }

  const int8u* in[kSm4Lanes];
  int8u* out[kSm4Lanes];
  int len[kSm4Lanes];
  const int8u* iv[kSm4Lanes];
  int iv_len[kSm4Lanes];
  const int8u* aad[kSm4Lanes];
  int aad_len[kSm4Lanes];
  int8u* tag[kSm4Lanes];
  int tag_len[kSm4Lanes];
  Octets keys[kSm4Lanes];
  const sm4_key* key[kSm4Lanes];
  const sm4_xts_key* xts_key[kSm4Lanes];
  alignas(64) mbx_sm4_key_schedule schedule, tweak_schedule;
  alignas(64) SM4_GCM_CTX_mb16 gcm;
};

std::shared_ptr<Lanes> keyed_lanes(Batch& batch) {
  auto lanes = std::make_shared<Lanes>(batch);
  require(mbx_sm4_set_key_mb16(&lanes->schedule, lanes->key) == 0, "mbx_sm4_set_key_mb16");
  return lanes;
}

Run ecb(Batch& batch) {
  return [lanes = keyed_lanes(batch)] {
    mbx_sm4_encrypt_ecb_mb16(lanes->out, lanes->in, lanes->len, &lanes->schedule);
  };
}

Run cbc_encryption(Batch& batch) {
  return [lanes = keyed_lanes(batch)] {
    mbx_sm4_encrypt_cbc_mb16(lanes->out, lanes->in, lanes->len, &lanes->schedule, lanes->iv);
  };
}

Run cbc_decryption(Batch& batch) {
  return [lanes = keyed_lanes(batch)] {
    mbx_sm4_decrypt_cbc_mb16(lanes->out, lanes->in, lanes->len, &lanes->schedule, lanes->iv);
  };
}

Run ctr(Batch& batch) {
  return [lanes = keyed_lanes(batch)] {
    std::array<std::array<int8u, 16>, kSm4Lanes> counters;  // advanced by the call
    int8u* pointers[kSm4Lanes];
    for (unsigned i = 0; i < kSm4Lanes; ++i) {
      std::copy_n(lanes->iv[i], counters[i].size(), counters[i].begin());
      pointers[i] = counters[i].data();
    }
    mbx_sm4_encrypt_ctr128_mb16(lanes->out, lanes->in, lanes->len, &lanes->schedule, pointers);
  };
}

// Starting a message sets up its key too: there is no other way.
Run gcm(Batch& batch) {
  return [lanes = keyed_lanes(batch)] {
    mbx_sm4_gcm_init_mb16(lanes->key, lanes->iv, lanes->iv_len, &lanes->gcm);
    if (lanes->aad_len[0] > 0) {
      mbx_sm4_gcm_update_aad_mb16(lanes->aad, lanes->aad_len, &lanes->gcm);
    }
    mbx_sm4_gcm_encrypt_mb16(lanes->out, lanes->in, lanes->len, &lanes->gcm);
    mbx_sm4_gcm_get_tag_mb16(lanes->tag, lanes->tag_len, &lanes->gcm);
  };
}

Run xts(Batch& batch) {
  auto lanes = std::make_shared<Lanes>(batch);
  require(mbx_sm4_xts_set_keys_mb16(&lanes->schedule, &lanes->tweak_schedule, lanes->xts_key) == 0,
          "mbx_sm4_xts_set_keys_mb16");
  return [lanes] {
    mbx_sm4_xts_encrypt_mb16(lanes->out, lanes->in, lanes->len, &lanes->schedule,
                             &lanes->tweak_schedule, lanes->iv);
  };
}

Run hash(Batch& batch) {
  return [lanes = std::make_shared<Lanes>(batch)] {
    mbx_sm3_msg_digest_mb16(lanes->in, lanes->len, lanes->out);
  };
}

using Number = std::array<int64u, 4>;

Number number(std::string_view digits) {
  const Octets octets = hex(digits);
  Number words{};
  for (std::size_t i = 0; i < octets.size(); ++i) {
    words[3 - i / 8] = words[3 - i / 8] << 8 | octets[i];
  }
  return words;
}

template <typename T>
std::array<T, kSm2Lanes> in_all_lanes(T value) {
  std::array<T, kSm2Lanes> lanes;
  lanes.fill(value);
  return lanes;
}

// Every lane works on the same numbers, into a place of its own. Signing takes the nonces from
// outside, and both take the message and the name, and hash them.
class Sm2 {
 public:
  bool make_public_keys() {
    Number x[kSm2Lanes], y[kSm2Lanes];
    std::array<int64u*, kSm2Lanes> px, py;
    for (unsigned i = 0; i < kSm2Lanes; ++i) {
      px[i] = x[i].data();
      py[i] = y[i].data();
    }
    const auto status =
        mbx_sm2_ecpublic_key_mb8(px.data(), py.data(), nullptr, m_scalars.data(), nullptr);
    return status == 0 && std::ranges::count(x, m_x) == kSm2Lanes &&
           std::ranges::count(y, m_y) == kSm2Lanes;
  }

  bool sign() {
    std::array<int8u*, kSm2Lanes> pr, ps;
    for (unsigned i = 0; i < kSm2Lanes; ++i) {
      pr[i] = m_r[i].data();
      ps[i] = m_s[i].data();
    }
    return mbx_sm2_ecdsa_sign_mb8(pr.data(), ps.data(), m_ids.data(), m_id_lens.data(),
                                  m_messages.data(), m_message_lens.data(), m_nonces.data(),
                                  m_scalars.data(), m_xs.data(), m_ys.data(), nullptr,
                                  nullptr) == 0;
  }

  bool signs_right() {
    return sign() && std::ranges::count(m_r, hex(kSm2R)) == kSm2Lanes &&
           std::ranges::count(m_s, hex(kSm2S)) == kSm2Lanes;
  }

  // The status has four bits for each lane.
  mbx_status verify(const Octets& s) {
    const auto r = in_all_lanes<const int8u*>(m_known_r.data());
    const auto ss = in_all_lanes<const int8u*>(s.data());
    return mbx_sm2_ecdsa_verify_mb8(r.data(), ss.data(), m_ids.data(), m_id_lens.data(),
                                    m_messages.data(), m_message_lens.data(), m_xs.data(),
                                    m_ys.data(), nullptr, nullptr);
  }

  bool verifies_right() {
    const mbx_status rejected = verify(altered(m_known_s));
    for (int lane = 0; lane < static_cast<int>(kSm2Lanes); ++lane) {
      if (MBX_GET_STS(rejected, lane) == MBX_STATUS_OK) return false;
    }
    return verify(m_known_s) == 0;
  }

  void verify() { verify(m_known_s); }

 private:
  Number m_scalar = number(kSm2PrivateKey), m_nonce = number(kSm2Nonce);
  Number m_x = number(kSm2X), m_y = number(kSm2Y);
  Octets m_id = ascii(kSm2Id), m_message = ascii(kSm2Message);
  Octets m_known_r = hex(kSm2R), m_known_s = hex(kSm2S);
  std::array<Octets, kSm2Lanes> m_r = in_all_lanes(Octets(32)), m_s = in_all_lanes(Octets(32));
  std::array<const int64u*, kSm2Lanes> m_scalars = in_all_lanes<const int64u*>(m_scalar.data());
  std::array<const int64u*, kSm2Lanes> m_nonces = in_all_lanes<const int64u*>(m_nonce.data());
  std::array<const int64u*, kSm2Lanes> m_xs = in_all_lanes<const int64u*>(m_x.data());
  std::array<const int64u*, kSm2Lanes> m_ys = in_all_lanes<const int64u*>(m_y.data());
  std::array<const int8u*, kSm2Lanes> m_ids = in_all_lanes<const int8u*>(m_id.data());
  std::array<const int8u*, kSm2Lanes> m_messages = in_all_lanes<const int8u*>(m_message.data());
  std::array<int, kSm2Lanes> m_id_lens = in_all_lanes(static_cast<int>(kSm2Id.size()));
  std::array<int, kSm2Lanes> m_message_lens = in_all_lanes(static_cast<int>(kSm2Message.size()));
};

}  // namespace

int main(int argc, char** argv) {
  const mbxVersion& version = *mbx_getversion();
  Peer peer(argc, argv,
            "crypto_mb " + std::to_string(version.major) + "." + std::to_string(version.minor));
  if (mbx_is_crypto_mb_applicable(0) != 1) {
    peer.set_unavailable("needs AVX-512 with IFMA");
    return peer.finish();
  }
  peer.add("sm4-ecb", kSm4Lanes, ecb);
  peer.add("sm4-cbc-enc", kSm4Lanes, cbc_encryption);
  peer.add("sm4-cbc-dec", kSm4Lanes, cbc_decryption);
  peer.add("sm4-ctr", kSm4Lanes, ctr);
  peer.add("sm4-gcm", kSm4Lanes, gcm);
  peer.add("sm4-xts", kSm4Lanes, xts);
  peer.add("sm3", kSm4Lanes, hash);
  Sm2 sm2;
  peer.add_operation(
      "sm2-sign", kSm2Lanes, [&] { return sm2.signs_right(); }, [&] { sm2.sign(); });
  peer.add_operation(
      "sm2-verify", kSm2Lanes, [&] { return sm2.verifies_right(); }, [&] { sm2.verify(); });
  peer.add_operation(
      "sm2-keygen", kSm2Lanes, [&] { return sm2.make_public_keys(); },
      [&] { sm2.make_public_keys(); });
  return peer.finish();
}
