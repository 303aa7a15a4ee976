/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of the structures, as programs compiled against other vendors' headers expect them. */
#include <sdf/sdf.h>
#include <stddef.h>

#define CHECK(name, condition) typedef char check_##name[(condition) ? 1 : -1]

CHECK(device_info, sizeof(DEVICEINFO) == 100);
CHECK(ecc_public, sizeof(ECCrefPublicKey) == 132);
CHECK(ecc_private, sizeof(ECCrefPrivateKey) == 68);
CHECK(ecc_signature, sizeof(ECCSignature) == 128);
CHECK(ecc_cipher, offsetof(ECCCipher, C) == 164);
CHECK(rsa_public, sizeof(RSArefPublicKey) == 516);
CHECK(rsa_private, sizeof(RSArefPrivateKey) == 1412);

/* Something that the program needs of it. */
typedef int (*open_device_function)(void**);
open_device_function sdf_headers_open_device(void);
open_device_function sdf_headers_open_device(void) { return SDF_OpenDevice; }
