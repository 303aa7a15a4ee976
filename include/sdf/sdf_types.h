/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types, algorithm identifiers and return codes of the device API of GM/T 0018-2023, with the
 * additions of GM/T 0018-2012 that programs still use. Algorithm identifiers are those of
 * GM/T 0006. C99 and C++. Include <sdf/sdf.h>.
 *
 * Numbers in structures are unsigned, 32 bits, in the machine's byte order. Big numbers (points,
 * scalars, r, s, moduli) are big-endian and stand at the right end of their field, which is filled
 * with zero bytes on the left: a 256-bit coordinate takes the last 32 of 64 bytes.
 */
#ifndef SDF_TYPES_H
#define SDF_TYPES_H

/* ---- clause 5.2: device ------------------------------------------------------------------- */

typedef struct DeviceInfo_st {
  unsigned char IssuerName[40];   /* ends with a zero byte unless it fills the field */
  unsigned char DeviceName[16];   /* as above */
  unsigned char DeviceSerial[16]; /* 8 of date, 3 of batch, 5 of serial number */
  unsigned int DeviceVersion;     /* of the card */
  unsigned int StandardVersion;   /* of the device API */
  unsigned int AsymAlgAbility[2]; /* [0]: SGD_ identifiers ORed; [1]: moduli ORed, in bits */
  unsigned int SymAlgAbility;     /* SGD_ identifiers ORed */
  unsigned int HashAlgAbility;    /* SGD_ identifiers ORed */
  unsigned int BufferSize;        /* bytes of file storage, 0: the card keeps no files */
} DEVICEINFO;

/* ---- RSA ---------------------------------------------------------------------------------- */

/* Define it as 4096 before this header, and rsa_max_bits = 4096 in the library's profile. */
#ifndef RSAref_MAX_BITS
#define RSAref_MAX_BITS 2048
#endif
#define RSAref_MAX_LEN ((RSAref_MAX_BITS + 7) / 8)
#define RSAref_MAX_PBITS ((RSAref_MAX_BITS + 1) / 2)
#define RSAref_MAX_PLEN ((RSAref_MAX_PBITS + 7) / 8)

typedef struct RSArefPublicKey_st {
  unsigned int bits; /* of the modulus */
  unsigned char m[RSAref_MAX_LEN];
  unsigned char e[RSAref_MAX_LEN];
} RSArefPublicKey;

typedef struct RSArefPrivateKey_st {
  unsigned int bits;
  unsigned char m[RSAref_MAX_LEN];
  unsigned char e[RSAref_MAX_LEN];
  unsigned char d[RSAref_MAX_LEN];
  unsigned char prime[2][RSAref_MAX_PLEN];
  unsigned char pexp[2][RSAref_MAX_PLEN];
  unsigned char coef[RSAref_MAX_PLEN];
} RSArefPrivateKey;

/* ---- ECC (SM2) ---------------------------------------------------------------------------- */

#define ECCref_MAX_BITS 512
#define ECCref_MAX_LEN ((ECCref_MAX_BITS + 7) / 8)

typedef struct ECCrefPublicKey_st {
  unsigned int bits; /* 256 for SM2 */
  unsigned char x[ECCref_MAX_LEN];
  unsigned char y[ECCref_MAX_LEN];
} ECCrefPublicKey;

typedef struct ECCrefPrivateKey_st {
  unsigned int bits;
  unsigned char K[ECCref_MAX_LEN];
} ECCrefPrivateKey;

/*
 * A ciphertext of SM2: the point C1, the hash C3 and the encrypted data C2. C has L bytes, one for
 * each byte of plaintext: a function that returns an ECCCipher writes 164 + L bytes, so the caller
 * allocates as many.
 */
typedef struct ECCCipher_st {
  unsigned char x[ECCref_MAX_LEN];
  unsigned char y[ECCref_MAX_LEN];
  unsigned char M[32];
  unsigned int L;
  unsigned char C[1];
} ECCCipher;

typedef struct ECCSignature_st {
  unsigned char r[ECCref_MAX_LEN];
  unsigned char s[ECCref_MAX_LEN];
} ECCSignature;

/* An SM2 key pair wrapped for a device, as certificate authorities send it. */
typedef struct EnvelopedECCKey_st {
  unsigned int Version;     /* 1 */
  unsigned int ulSymmAlgID; /* in mode ECB */
  unsigned int ulBits;
  unsigned char cbEncryptedPriKey[ECCref_MAX_LEN];
  ECCrefPublicKey PubKey;
  ECCCipher ECCCipherBlob;
} EnvelopedECCKey;

/* ---- SM9 (annex B) ------------------------------------------------------------------------ */

#define SM9ref_MAX_BITS 256
#define SM9ref_MAX_LEN ((SM9ref_MAX_BITS + 7) / 8)

typedef struct SM9refSignMasterPublicKey_st {
  unsigned int bits;
  unsigned char xa[SM9ref_MAX_LEN];
  unsigned char xb[SM9ref_MAX_LEN];
  unsigned char ya[SM9ref_MAX_LEN];
  unsigned char yb[SM9ref_MAX_LEN];
} SM9SignMasterPublicKey;

typedef struct SM9refEncMasterPublicKey_st {
  unsigned int bits;
  unsigned char x[SM9ref_MAX_LEN];
  unsigned char y[SM9ref_MAX_LEN];
} SM9EncMasterPublicKey;

typedef struct SM9refSignUserPrivateKey_st {
  unsigned int bits;
  unsigned char x[SM9ref_MAX_LEN];
  unsigned char y[SM9ref_MAX_LEN];
} SM9SignUserPrivateKey;

typedef struct SM9refEncUserPrivateKey_st {
  unsigned int bits;
  unsigned char xa[SM9ref_MAX_LEN];
  unsigned char xb[SM9ref_MAX_LEN];
  unsigned char ya[SM9ref_MAX_LEN];
  unsigned char yb[SM9ref_MAX_LEN];
} SM9EncUserPrivateKey;

typedef struct SM9refCipher_st {
  unsigned int EncType;
  unsigned char x[SM9ref_MAX_LEN];
  unsigned char y[SM9ref_MAX_LEN];
  unsigned char h[32];
  unsigned int L;
  unsigned char C[1]; /* L bytes */
} SM9Cipher;

typedef struct SM9refSignature_st {
  unsigned char h[SM9ref_MAX_LEN];
  unsigned char x[SM9ref_MAX_LEN];
  unsigned char y[SM9ref_MAX_LEN];
} SM9Signature;

typedef struct SM9refKeyPackage_st {
  unsigned char x[SM9ref_MAX_LEN];
  unsigned char y[SM9ref_MAX_LEN];
} SM9KeyPackage;

/* ---- algorithm identifiers ---------------------------------------------------------------- */

#define SGD_SM1_ECB 0x00000101u
#define SGD_SM1_CBC 0x00000102u
#define SGD_SM1_CFB 0x00000104u
#define SGD_SM1_OFB 0x00000108u
#define SGD_SM1_MAC 0x00000110u
#define SGD_SM1_CTR 0x00000120u
#define SGD_SSF33_ECB 0x00000201u
#define SGD_SSF33_CBC 0x00000202u
#define SGD_SSF33_CFB 0x00000204u
#define SGD_SSF33_OFB 0x00000208u
#define SGD_SSF33_MAC 0x00000210u
#define SGD_SSF33_CTR 0x00000220u
#define SGD_SM4_ECB 0x00000401u
#define SGD_SM4_CBC 0x00000402u
#define SGD_SM4_CFB 0x00000404u
#define SGD_SM4_OFB 0x00000408u
#define SGD_SM4_MAC 0x00000410u
#define SGD_SM4_CTR 0x00000420u
#define SGD_SM4_XTS 0x01000400u
#define SGD_SM4_GCM 0x02000400u
#define SGD_SM4_CCM 0x04000400u
#define SGD_ZUC_EEA3 0x00000801u
#define SGD_ZUC_EIA3 0x00000802u

#define SGD_RSA 0x00010000u
#define SGD_SM2 0x00020100u
#define SGD_SM2_1 0x00020200u /* signature */
#define SGD_SM2_2 0x00020400u /* key exchange */
#define SGD_SM2_3 0x00020800u /* encryption */
#define SGD_SM9 0x00080000u
#define SGD_SM9_1 0x00080100u
#define SGD_SM9_2 0x00080200u
#define SGD_SM9_3 0x00080400u

#define SGD_SM3 0x00000001u
#define SGD_SHA1 0x00000002u
#define SGD_SHA256 0x00000004u
#define SGD_SM3_HMAC 0x00000008u
#define SGD_SHA256_HMAC 0x00000010u

/* ---- annex A: return codes ---------------------------------------------------------------- */

#define SDR_OK 0x0
#define SDR_BASE 0x01000000
#define SDR_UNKNOWERR (SDR_BASE + 0x00000001)     /* unexpected */
#define SDR_NOTSUPPORT (SDR_BASE + 0x00000002)    /* this card or library does not do it */
#define SDR_COMMFAIL (SDR_BASE + 0x00000003)      /* the card is gone, was reset or is silent */
#define SDR_HARDFAIL (SDR_BASE + 0x00000004)      /* the card or its chip refuses service */
#define SDR_OPENDEVICE (SDR_BASE + 0x00000005)    /* no card could be opened */
#define SDR_OPENSESSION (SDR_BASE + 0x00000006)   /* no session could be opened */
#define SDR_PARDENY (SDR_BASE + 0x00000007)       /* the session has no access right to the key */
#define SDR_KEYNOTEXIST (SDR_BASE + 0x00000008)   /* no such key index or key handle */
#define SDR_ALGNOTSUPPORT (SDR_BASE + 0x00000009) /* algorithm not supported */
#define SDR_ALGMODNOTSUPPORT (SDR_BASE + 0x0000000A) /* mode of an algorithm not supported */
#define SDR_PKOPERR (SDR_BASE + 0x0000000B)          /* public key operation failed */
#define SDR_SKOPERR (SDR_BASE + 0x0000000C)          /* private key operation failed */
#define SDR_SIGNERR (SDR_BASE + 0x0000000D)          /* signing failed */
#define SDR_VERIFYERR (SDR_BASE + 0x0000000E)        /* the signature is wrong */
#define SDR_SYMOPERR (SDR_BASE + 0x0000000F)         /* symmetric operation failed */
#define SDR_STEPERR (SDR_BASE + 0x00000010)          /* out of sequence: update without init */
#define SDR_FILESIZEERR (SDR_BASE + 0x00000011)      /* file size out of bounds */
#define SDR_FILENOEXIST (SDR_BASE + 0x00000012)      /* no such file */
#define SDR_FILEOFSERR (SDR_BASE + 0x00000013)       /* offset beyond the file */
#define SDR_KEYTYPEERR (SDR_BASE + 0x00000014)       /* not a key for this use */
#define SDR_KEYERR (SDR_BASE + 0x00000015)     /* not a key: point off the curve, wrong size */
#define SDR_ENCDATAERR (SDR_BASE + 0x00000016) /* ciphertext malformed or of another key */
#define SDR_RANDERR (SDR_BASE + 0x00000017)    /* random source failed its test */
#define SDR_PRKRERR (SDR_BASE + 0x00000018)    /* access code wrong or locked */
#define SDR_MACERR (SDR_BASE + 0x00000019)     /* authentication tag wrong */
#define SDR_FILEEXISTS (SDR_BASE + 0x0000001A) /* file exists already */
#define SDR_FILEWERR (SDR_BASE + 0x0000001B)   /* file could not be written */
#define SDR_NOBUFFER (SDR_BASE + 0x0000001C)   /* room too small; the length says what it takes */
#define SDR_INARGERR (SDR_BASE + 0x0000001D)   /* an argument is wrong, a handle unknown */
#define SDR_OUTARGERR (SDR_BASE + 0x0000001E)  /* an output pointer is NULL */
#define SDR_USERIDERR (SDR_BASE + 0x0000001F)  /* user identity wrong (SM9) */

#endif /* SDF_TYPES_H */
