/** The SDK's Wi-Fi interface without a radio: the test says what the radio does. */
import type { WifiInterface } from "../wifi/link.ts";

export class FakeRadio {
	/** Each `connect` since the start. */
	readonly attempts: { SSID: string; password?: string }[] = [];
	/** Interfaces that are open. */
	open = 0;
	disconnects = 0;
	connection = 200;
	/** What `connect` throws. */
	refusal: Error | undefined;
	#changed: ((what: string) => void) | undefined;

	readonly io = ((radio: FakeRadio) =>
		class implements WifiInterface {
			constructor(options: { onChanged(what: string): void }) {
				radio.open++;
				radio.#changed = options.onChanged;
			}

			get connection(): number {
				return radio.connection;
			}

			get RSSI(): number | undefined {
				return radio.connection >= 400 ? -61 : undefined;
			}

			connect(options: { SSID: string; password?: string }): void {
				if (radio.refusal !== undefined) throw radio.refusal;
				radio.attempts.push(options);
				radio.connection = 300;
			}

			/** As the SDK's: the event that follows finds nothing changed, and nobody is told. */
			disconnect(): void {
				radio.disconnects++;
				radio.connection = 200;
			}

			close(): void {
				radio.open--;
				radio.#changed = undefined;
			}
		})(this);

	/** The radio's state becomes `connection`, and who listens is told. */
	become(connection: number): void {
		this.connection = connection;
		this.#changed?.("connection");
	}
}
