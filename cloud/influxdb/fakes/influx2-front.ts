/**
 * Stands in for the write API of InfluxDB 2, of which Debian has no package: it checks what a request of `/api/v2/write`
 * and `/api/v2/signin` must have by the API reference, and hands the lines to a real InfluxDB 1. The lines are thus
 * proven, and the request's form as far as the reference tells; no InfluxDB 2 was at hand.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Influx2Front {
	readonly url: string;
	/** Ends the session that was signed in last: its cookie is good for nothing any more. */
	endSession(): void;
	signIns: number;
	/** The status of the next write, in place of writing. */
	nextStatus: number | null;
	close(): Promise<void>;
}

export async function startInflux2Front(options: {
	readonly influxUrl: string;
	readonly database: string;
	readonly org: string;
	readonly bucket: string;
	readonly token: string;
	readonly user: string;
	readonly password: string;
}): Promise<Influx2Front> {
	let session: string | null = null;

	async function answer(
		path: string,
		headers: Readonly<Record<string, string | string[] | undefined>>,
		body: string,
	): Promise<{ status: number; body?: object; cookie?: string }> {
		const url = new URL(path, "http://front");
		if (url.pathname === "/api/v2/signin") {
			const expected = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString("base64")}`;
			if (headers.authorization !== expected) return unauthorized();
			front.signIns++;
			session = `influxdb-oss-session=session-${front.signIns}`;
			return { status: 204, cookie: `${session}; Path=/api/; HttpOnly` };
		}
		if (url.pathname !== "/api/v2/write") return { status: 404 };
		const known =
			headers.authorization === `Token ${options.token}` ||
			(session !== null && headers.cookie === session);
		if (!known) return unauthorized();
		if (front.nextStatus !== null) {
			const status = front.nextStatus;
			front.nextStatus = null;
			return {
				status,
				body: { code: "told", message: "It has been told to." },
			};
		}
		const { searchParams } = url;
		if (
			searchParams.get("org") !== options.org ||
			searchParams.get("bucket") !== options.bucket
		) {
			return {
				status: 404,
				body: { code: "not found", message: "bucket not found" },
			};
		}
		if (searchParams.get("precision") !== "ms") {
			return { status: 400, body: { code: "invalid", message: "precision" } };
		}
		const response = await fetch(
			`${options.influxUrl}/write?db=${options.database}&precision=ms`,
			{ method: "POST", body },
		);
		if (response.status === 204) return { status: 204 };
		const { error } = (await response.json()) as { readonly error: string };
		return {
			status: response.status === 400 ? 422 : response.status,
			body: { code: "unprocessable entity", message: error },
		};
	}

	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on("data", (chunk: Buffer) => chunks.push(chunk));
		request.on("end", () => {
			answer(
				request.url ?? "",
				request.headers,
				Buffer.concat(chunks).toString(),
			).then(
				({ status, body, cookie }) => {
					if (cookie !== undefined) response.setHeader("Set-Cookie", cookie);
					response.writeHead(status).end(body && JSON.stringify(body));
				},
				() => response.destroy(),
			);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	const front: Influx2Front = {
		url: `http://127.0.0.1:${port}`,
		endSession() {
			session = null;
		},
		signIns: 0,
		nextStatus: null,
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
	return front;
}

function unauthorized() {
	return {
		status: 401,
		body: { code: "unauthorized", message: "unauthorized access" },
	};
}
