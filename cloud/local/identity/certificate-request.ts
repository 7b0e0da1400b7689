/**
 * What devices ask certificates for: requests (PKCS #10, RFC 2986), judged before anything is signed. They are read here rather than by the
 * x509 package, which takes a processor two milliseconds for each: lists have thousands.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { RegistryError } from "../../core/thing-registry.ts";
import { contextTag, elementsOf, Tag } from "./der.ts";

const CURVES = ["prime256v1", "secp384r1", "secp521r1"];

/** By the content of their AlgorithmIdentifier in hex: RFC 8017 appendix A.2.4, RFC 5758 section 3.2. */
const ALGORITHMS: Readonly<
	Record<string, { readonly keyType: "rsa" | "ec"; readonly hash: string }>
> = {
	"06092a864886f70d01010b0500": { keyType: "rsa", hash: "sha256" },
	"06092a864886f70d01010c0500": { keyType: "rsa", hash: "sha384" },
	"06092a864886f70d01010d0500": { keyType: "rsa", hash: "sha512" },
	"06082a8648ce3d040302": { keyType: "ec", hash: "sha256" },
	"06082a8648ce3d040303": { keyType: "ec", hash: "sha384" },
	"06082a8648ce3d040304": { keyType: "ec", hash: "sha512" },
};

/** RFC 7468 section 7, and the older label that its section 7 names. */
const PEM =
	/^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----\s*$/;

/** A request's parts, of which nothing has been judged. */
interface Request {
	/** What is signed. */
	readonly info: Uint8Array;
	/** SubjectPublicKeyInfo, DER. */
	readonly keyDer: Uint8Array;
	/** AlgorithmIdentifier, its content in hex. */
	readonly algorithm: string;
	readonly signature: Uint8Array;
}

/**
 * The key that a request is for, after its signature has shown that whoever made it has the private one.
 * @param request PEM
 * @returns SubjectPublicKeyInfo, DER
 * @throws RegistryError bad_request: no request, a signature that is not its key's, or a key that AWS IoT would not take, either
 * (https://docs.aws.amazon.com/iot/latest/apireference/API_CreateCertificateFromCsr.html: RSA of 2048 bits or more, or a
 * NIST curve)
 */
export function keyOfRequest(request: string): Uint8Array<ArrayBuffer> {
	const { info, keyDer, algorithm, signature } = parse(request);
	const key = readKey(keyDer);
	if (!isStrong(key)) {
		throw new RegistryError(
			"bad_request",
			"The key of the certificate request must be RSA of at least 2048 bits, or on one of the curves P-256, P-384 and P-521.",
		);
	}
	const { keyType, hash } = ALGORITHMS[algorithm] ?? {};
	if (hash === undefined || keyType !== key.asymmetricKeyType) {
		throw new RegistryError(
			"bad_request",
			"The certificate request must be signed by its key with SHA-256, SHA-384 or SHA-512: RSA (PKCS #1) or ECDSA.",
		);
	}
	if (!verify(hash, info, key, signature)) {
		throw new RegistryError(
			"bad_request",
			"The signature of the certificate request does not match its key.",
		);
	}
	return new Uint8Array(keyDer);
}

function parse(request: string): Request {
	try {
		const [, base64 = ""] = PEM.exec(request) ?? [];
		const der = Buffer.from(base64, "base64");
		const [outer] = only(der, [Tag.SEQUENCE]);
		const [info, algorithm, signature] = only(outer.content, [
			Tag.SEQUENCE,
			Tag.SEQUENCE,
			Tag.BIT_STRING,
		]);
		const [version, , key] = only(info.content, [
			Tag.INTEGER,
			Tag.SEQUENCE,
			Tag.SEQUENCE,
			contextTag(0),
		]);
		if (
			version.content.length !== 1 ||
			version.content[0] !== 0 ||
			signature.content[0] !== 0
		)
			throw new Error(
				"It is of another version, or its signature ends within a byte.",
			);
		return {
			info: info.whole,
			keyDer: key.whole,
			algorithm: Buffer.from(algorithm.content).toString("hex"),
			signature: signature.content.subarray(1),
		};
	} catch (cause) {
		throw notARequest(cause);
	}
}

type Tags = readonly number[];
type Elements<T extends Tags> = {
	readonly [I in keyof T]: ReturnType<typeof elementsOf>[number];
};

/** The elements that there are, which have these tags. @throws Error when they are others */
function only<const T extends Tags>(bytes: Uint8Array, tags: T): Elements<T> {
	const elements = elementsOf(bytes);
	if (
		elements.length !== tags.length ||
		elements.some(({ tag }, i) => tag !== tags[i])
	)
		throw new Error("It has other elements than a request.");
	return elements as unknown as Elements<T>;
}

function readKey(keyDer: Uint8Array): KeyObject {
	try {
		return createPublicKey({
			key: Buffer.from(keyDer),
			format: "der",
			type: "spki",
		});
	} catch (cause) {
		throw notARequest(cause);
	}
}

function isStrong(key: KeyObject): boolean {
	const details = key.asymmetricKeyDetails ?? {};
	if (key.asymmetricKeyType === "rsa")
		return (details.modulusLength ?? 0) >= 2048;
	return (
		key.asymmetricKeyType === "ec" && CURVES.includes(details.namedCurve ?? "")
	);
}

function notARequest(cause: unknown): RegistryError {
	return new RegistryError(
		"bad_request",
		"That is not a certificate request (PKCS #10, PEM).",
		{ cause },
	);
}
