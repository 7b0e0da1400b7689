/** Which InfluxDB to write to, and as whom: from an address on the command line, or from a secret on AWS. */

/** Where rows go: by the API of InfluxDB 1, or by that of InfluxDB 2. */
export type InfluxTarget = {
	/** Without a slash at the end. */
	readonly url: string;
	readonly auth: InfluxAuth;
} & (
	| { readonly api: 1; readonly database: string }
	| { readonly api: 2; readonly org: string; readonly bucket: string }
);

export type InfluxAuth =
	| { readonly type: "none" }
	/** HTTP Basic, with InfluxDB 1. */
	| { readonly type: "basic"; readonly user: string; readonly password: string }
	/** An API token, with InfluxDB 2. */
	| { readonly type: "token"; readonly token: string }
	/** Signs in for a session, with InfluxDB 2: for those who have a password and no token. */
	| {
			readonly type: "session";
			readonly user: string;
			readonly password: string;
	  };

/** An address or secret does not say where to write. */
export class InfluxTargetError extends Error {
	override readonly name = "InfluxTargetError";
	readonly code = "bad_influx_target";
}

/** What stands for it in messages and for what is remembered of it: no secrets. */
export function influxName(target: InfluxTarget): string {
	const { url } = target;
	return target.api === 1
		? `${url}/${encodeURIComponent(target.database)}`
		: `${url}/?${new URLSearchParams({ org: target.org, bucket: target.bucket })}`;
}

export const DEFAULT_DATABASE = "thinghz";

/**
 * An address as people write it: `http://HOST:8086/DATABASE` (the database "thinghz" where none is named) is InfluxDB 1,
 * `http://HOST:8086/?org=ORG&bucket=BUCKET` is InfluxDB 2.
 * @param secret `USER:PASSWORD`, or for InfluxDB 2 an API token; null for an InfluxDB that asks for nothing
 * @throws InfluxTargetError
 */
export function parseInfluxUrl(
	text: string,
	secret: string | null,
): InfluxTarget {
	if (!URL.canParse(text)) throw notAnAddress(text);
	const parsed = new URL(text);
	const { protocol, origin, pathname, searchParams } = parsed;
	if (protocol !== "http:" && protocol !== "https:") throw notAnAddress(text);
	if (parsed.username !== "" || parsed.password !== "") {
		throw new InfluxTargetError(
			"An address on the command line can be seen by all users of the machine: put USER:PASSWORD or the token into a file instead.",
		);
	}
	for (const name of searchParams.keys()) {
		if (name !== "org" && name !== "bucket") {
			throw new InfluxTargetError(
				`"${name}" says nothing here: only org and bucket do.`,
			);
		}
	}
	const path = decodeURIComponent(pathname).replace(/^\/|\/$/g, "");
	const org = searchParams.get("org");
	const bucket = searchParams.get("bucket");
	if (org === null && bucket === null) {
		if (path.includes("/")) throw notAnAddress(text);
		return {
			url: origin,
			api: 1,
			database: path === "" ? DEFAULT_DATABASE : path,
			auth: secret === null ? { type: "none" } : basic(secret),
		};
	}
	if (org === null || bucket === null || path !== "") throw notAnAddress(text);
	if (secret === null) {
		throw new InfluxTargetError(
			"InfluxDB 2 takes nothing from strangers: give a file with an API token, or with USER:PASSWORD.",
		);
	}
	const auth = secret.includes(":")
		? { ...basic(secret), type: "session" as const }
		: { type: "token" as const, token: secret };
	return { url: origin, api: 2, org, bucket, auth };
}

/**
 * Timestream for InfluxDB by what it keeps in Secrets Manager: a JSON object with organization, bucket, username and
 * password, and a token where somebody has added one.
 * @param bucket instead of the secret's
 * @throws InfluxTargetError that shows nothing of the secret
 */
export function influxOfSecret(
	url: string,
	bucket: string | null,
	secret: string,
): InfluxTarget {
	const {
		organization,
		bucket: ownBucket,
		username,
		password,
		token,
	} = parseSecret(secret);
	const into = bucket ?? ownBucket;
	if (organization === undefined || into === undefined) {
		throw new InfluxTargetError(
			"The secret of InfluxDB names no organization or no bucket.",
		);
	}
	const where = {
		url: url.replace(/\/+$/, ""),
		api: 2,
		org: organization,
		bucket: into,
	} as const;
	if (token !== undefined) return { ...where, auth: { type: "token", token } };
	if (username === undefined || password === undefined) {
		throw new InfluxTargetError(
			"The secret of InfluxDB has neither a token nor username and password.",
		);
	}
	return { ...where, auth: { type: "session", user: username, password } };
}

function parseSecret(secret: string): Readonly<Record<string, string>> {
	let value: unknown;
	try {
		value = JSON.parse(secret);
	} catch {
		// The cause would quote the secret.
		throw new InfluxTargetError("The secret of InfluxDB is no JSON.");
	}
	if (typeof value !== "object" || value === null) {
		throw new InfluxTargetError("The secret of InfluxDB is no JSON object.");
	}
	return Object.fromEntries(
		Object.entries(value).filter(
			([, member]) => typeof member === "string" && member !== "",
		),
	);
}

function basic(secret: string): {
	readonly type: "basic";
	readonly user: string;
	readonly password: string;
} {
	const colon = secret.indexOf(":");
	if (colon < 1) {
		throw new InfluxTargetError(
			"InfluxDB 1 is signed in to by USER:PASSWORD, and the file does not hold that.",
		);
	}
	return {
		type: "basic",
		user: secret.slice(0, colon),
		password: secret.slice(colon + 1),
	};
}

function notAnAddress(text: string): InfluxTargetError {
	return new InfluxTargetError(
		`"${text}" is not the address of an InfluxDB. Write http://HOST:8086/DATABASE, or http://HOST:8086/?org=ORG&bucket=BUCKET for InfluxDB 2.`,
	);
}
