/**
 * The environment variables of each function. A function reads its own once, when its module is loaded; the stack writes
 * them from the same list, so that neither can forget one.
 */

/** What a function finds out about one variable's text. */
interface Variable<T> {
	readonly name: string;
	/** What the text has to be, to go on after "must be". */
	readonly expected: string;
	/** @returns null when the text is not what is expected */
	readonly parse: (text: string) => T | null;
	/** What counts where the variable is absent or empty; a variable without it is required. */
	readonly fallback?: T;
}

/** Rows go to Timestream for LiveAnalytics or to Timestream for InfluxDB. */
export type RowStoreKind = "timestream" | "influxdb";

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
const ARN = /^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d*:.+$/;

const VARIABLES = {
	/** Name of the DynamoDB table of blocks. */
	blocksTable: variable("THINGHZ_BLOCKS_TABLE", tableName),
	/** Name of the DynamoDB table of devices, dead letters, alerts and grants. */
	recordsTable: variable("THINGHZ_RECORDS_TABLE", tableName),
	/** How long blocks are kept: DynamoDB removes them afterwards. */
	retentionDays: variable("THINGHZ_RETENTION_DAYS", days),
	/** Address of the page, for links in what people are told; null when there is none. */
	pageUrl: optional("THINGHZ_PAGE_URL", httpsUrl, null),
	/**
	 * How the ARNs of the SNS topics that e-mail is sent by begin, up to the hash of the address that each is for:
	 * "arn:aws:sns:REGION:ACCOUNT:thinghz-mail-". Null when nobody is told by e-mail.
	 */
	emailTopicPrefix: optional("THINGHZ_EMAIL_TOPIC_PREFIX", arn, null),
	/** SNS platform applications by platform ("apns", "fcm"), for mobile push. */
	platformApplications: optional(
		"THINGHZ_PLATFORM_APPLICATIONS",
		arnsByName,
		Object.freeze({}),
	),
	/** The Secrets Manager secret that webhooks are signed with; null when this cloud calls none. */
	webhookSecretArn: optional("THINGHZ_WEBHOOK_SECRET_ARN", arn, null),
	rowStore: variable("THINGHZ_ROW_STORE", rowStoreKind),
	timestreamDatabase: variable("THINGHZ_TIMESTREAM_DATABASE", anyText),
	timestreamTable: variable("THINGHZ_TIMESTREAM_TABLE", anyText),
	influxUrl: variable("THINGHZ_INFLUX_URL", httpsUrl),
	influxDatabase: variable("THINGHZ_INFLUX_DATABASE", anyText),
	/** The Secrets Manager secret with InfluxDB's user and password or token. */
	influxSecretArn: variable("THINGHZ_INFLUX_SECRET_ARN", arn),
	userPoolId: variable("THINGHZ_USER_POOL_ID", anyText),
	/** The client of the page. */
	userPoolClientId: variable("THINGHZ_USER_POOL_CLIENT_ID", anyText),
	/** The client of the command. */
	cliClientId: variable("THINGHZ_CLI_CLIENT_ID", anyText),
	/** The client of a program that only reads; null where there is none. */
	readerClientId: optional("THINGHZ_READER_CLIENT_ID", anyText, null),
	/** Where people sign in: the user pool's domain. */
	signInUrl: variable("THINGHZ_SIGN_IN_URL", httpsUrl),
	firmwareBucket: variable("THINGHZ_FIRMWARE_BUCKET", anyText),
	/** The role that AWS IoT signs addresses of images with. */
	firmwareRoleArn: variable("THINGHZ_FIRMWARE_ROLE_ARN", arn),
	/** The queue that rules write to. */
	ingestQueueArn: variable("THINGHZ_INGEST_QUEUE_ARN", arn),
	/** The queue of messages that could not be brought to the function, or by it into the store. */
	deadLetterQueueArn: variable("THINGHZ_DEAD_LETTER_QUEUE_ARN", arn),
} as const;

type Values = {
	readonly [K in keyof typeof VARIABLES]: (typeof VARIABLES)[K] extends Variable<
		infer T
	>
		? T
		: never;
};

/**
 * Who reads what. `rowsTimestream` and `rowsInfluxdb` are no functions: one of them goes with `rows`, as `rowStore` says.
 */
const READERS = {
	ingest: ["blocksTable", "recordsTable", "retentionDays"],
	presence: ["recordsTable"],
	schedule: [
		"blocksTable",
		"recordsTable",
		"retentionDays",
		"pageUrl",
		"emailTopicPrefix",
		"platformApplications",
		"webhookSecretArn",
	],
	notify: [
		"recordsTable",
		"pageUrl",
		"emailTopicPrefix",
		"platformApplications",
		"webhookSecretArn",
	],
	rows: ["blocksTable", "retentionDays", "rowStore"],
	rowsTimestream: ["timestreamDatabase", "timestreamTable"],
	rowsInfluxdb: ["influxUrl", "influxDatabase", "influxSecretArn"],
	api: [
		"blocksTable",
		"recordsTable",
		"retentionDays",
		"pageUrl",
		"emailTopicPrefix",
		"platformApplications",
		"webhookSecretArn",
		"userPoolId",
		"userPoolClientId",
		"cliClientId",
		"readerClientId",
		"signInUrl",
		"firmwareBucket",
		"firmwareRoleArn",
		"ingestQueueArn",
		"deadLetterQueueArn",
	],
	"provisioning-hook": ["recordsTable"],
} as const satisfies Record<string, readonly (keyof typeof VARIABLES)[]>;

export type EnvironmentReader = keyof typeof READERS;

export type Environment<R extends EnvironmentReader> = Pick<
	Values,
	(typeof READERS)[R][number]
>;

/** A function's environment lacks something, or says what cannot be. Names every variable that is wrong. */
export class EnvironmentError extends Error {
	override readonly name = "EnvironmentError";
	readonly code = "bad_environment";
	/** Names of the variables, in the order in which they are listed. */
	readonly variables: readonly string[];

	constructor(reader: string, problems: ReadonlyMap<string, string>) {
		super(
			`${reader} cannot start: ${[...problems].map(([name, problem]) => `${name} ${problem}`).join("; ")}.`,
		);
		this.variables = [...problems.keys()];
	}
}

/** @throws EnvironmentError that names all that is missing or malformed at once */
export function readEnvironment<R extends EnvironmentReader>(
	reader: R,
	environment: Readonly<Record<string, string | undefined>>,
): Environment<R> {
	const values: Record<string, unknown> = {};
	const problems = new Map<string, string>();
	for (const key of READERS[reader]) {
		const { name, expected, parse, fallback }: Variable<unknown> =
			VARIABLES[key];
		const text = environment[name] ?? "";
		if (text === "") {
			if (fallback === undefined) problems.set(name, "is not set");
			values[key] = fallback;
			continue;
		}
		const value = parse(text);
		if (value === null) {
			const shown = JSON.stringify(text.slice(0, 80));
			problems.set(name, `must be ${expected}, not ${shown}`);
		}
		values[key] = value;
	}
	if (problems.size > 0) throw new EnvironmentError(reader, problems);
	return values as Environment<R>;
}

/**
 * The variables as a function is given them: what the stack sets. Values may be tokens of CDK, which are text that means
 * something only at deployment, so nothing is checked here but that all are there.
 */
export function writeEnvironment<R extends EnvironmentReader>(
	reader: R,
	values: Environment<R>,
): Record<string, string> {
	const written: Record<string, string> = {};
	for (const key of READERS[reader]) {
		const value = (values as Readonly<Record<string, unknown>>)[key];
		if (value === null || value === undefined) continue;
		written[VARIABLES[key].name] =
			typeof value === "object" ? JSON.stringify(value) : String(value);
	}
	return written;
}

interface Kind<T> {
	readonly expected: string;
	readonly parse: (text: string) => T | null;
}

function variable<T>(name: string, kind: () => Kind<T>): Variable<T> {
	return { name, ...kind() };
}

function optional<T, F extends T | null>(
	name: string,
	kind: () => Kind<T>,
	fallback: F,
): Variable<T | F> {
	return { name, ...kind(), fallback };
}

function matching(expected: string, pattern: RegExp): Kind<string> {
	return { expected, parse: (text) => (pattern.test(text) ? text : null) };
}

function anyText(): Kind<string> {
	return { expected: "a text", parse: (text) => text };
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
function tableName(): Kind<string> {
	return matching(
		'a table\'s name of 3 to 255 letters, digits, "_", "-" and "."',
		/^[a-zA-Z0-9_.-]{3,255}$/,
	);
}

function arn(): Kind<string> {
	return matching("an ARN", ARN);
}

function httpsUrl(): Kind<string> {
	return {
		expected: "an https address",
		parse: (text) =>
			URL.canParse(text) && new URL(text).protocol === "https:" ? text : null,
	};
}

function days(): Kind<number> {
	return {
		expected: "a whole number of days from 1 to 36500",
		parse(text) {
			const value = Number(text);
			return /^\d{1,5}$/.test(text) && value >= 1 && value <= 36_500
				? value
				: null;
		},
	};
}

function rowStoreKind(): Kind<RowStoreKind> {
	return {
		expected: '"timestream" or "influxdb"',
		parse: (text) =>
			text === "timestream" || text === "influxdb" ? text : null,
	};
}

function arnsByName(): Kind<Readonly<Record<string, string>>> {
	return {
		expected: "a JSON object of ARNs by platform",
		parse(text) {
			let value: unknown;
			try {
				value = JSON.parse(text);
			} catch {
				return null;
			}
			if (typeof value !== "object" || value === null) return null;
			if (Array.isArray(value)) return null;
			const isArn = (one: unknown) => typeof one === "string" && ARN.test(one);
			return Object.values(value).every(isArn)
				? (value as Record<string, string>)
				: null;
		},
	};
}
