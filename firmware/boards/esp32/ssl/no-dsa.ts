/** Takes the place of the SDK's `dsa`, of which our cipher suites have no use. */
class NoDsa {
	/** @throws Error always */
	constructor() {
		throw new Error("DSA was not offered");
	}
}

// biome-ignore lint/style/noDefaultExport: the SDK's handshake imports it so.
export default NoDsa;
