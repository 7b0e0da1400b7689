/** What the cloud pushes (`PushMessage` in cloud/core/alerts/push-notifier.ts), and how the browser is to show it. */

export interface Shown {
	readonly title: string;
	readonly body: string;
	/** The event's: the same one twice is shown once. */
	readonly id: string;
	/** A notification of the same tag is replaced. */
	readonly tag: string;
	readonly device: string | null;
	readonly isFiring: boolean;
	readonly atMs: number | null;
}

/** A browser has to show something for whatever comes (`userVisibleOnly`): also for what cannot be read. */
const UNREADABLE: Shown = {
	title: "thinghz",
	body: "There is an alert that this version of the page cannot read. Open the page.",
	id: "",
	tag: "unreadable",
	device: null,
	isFiring: true,
	atMs: null,
};

export function readPushMessage(text: string): Shown {
	let message: unknown;
	try {
		message = JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return UNREADABLE;
		throw error;
	}
	if (typeof message !== "object" || message === null) return UNREADABLE;
	const { title, body, id, tag, device, status, at } = message as Record<
		string,
		unknown
	>;
	if (typeof title !== "string" || title === "") return UNREADABLE;
	const atMs = typeof at === "string" ? Date.parse(at) : Number.NaN;
	return {
		title,
		body: typeof body === "string" ? body : "",
		id: typeof id === "string" ? id : "",
		tag: typeof tag === "string" ? tag : "",
		device: typeof device === "string" ? device : null,
		isFiring: status !== "resolved",
		atMs: Number.isNaN(atMs) ? null : atMs,
	};
}

/** The view that a click opens, below the page's own address: nobody else's, whatever was pushed. */
export function viewOf(device: string | null): string {
	return device === null ? "/#/" : `/#/devices/${encodeURIComponent(device)}`;
}
