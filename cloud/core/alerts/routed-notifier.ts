/** Several notifiers as one: each target goes to the first that can deliver to its kind. */
import { retry, unsupported } from "./outcomes.ts";
import type {
	DeliveryOutcome,
	Notification,
	NotificationTarget,
	Notifier,
} from "./ports.ts";

export class RoutedNotifier implements Notifier {
	readonly kinds: readonly NotificationTarget["type"][];
	readonly #notifiers: readonly Notifier[];
	readonly #onError: (error: unknown) => void;

	/** @param options.onError told of what a notifier throws, which it should not */
	constructor(
		notifiers: readonly Notifier[],
		options: { readonly onError: (error: unknown) => void },
	) {
		this.#notifiers = notifiers;
		this.kinds = [...new Set(notifiers.flatMap(({ kinds }) => kinds))];
		this.#onError = options.onError;
	}

	async deliver(
		target: NotificationTarget,
		notification: Notification,
	): Promise<DeliveryOutcome> {
		const notifier = this.#notifiers.find(({ kinds }) =>
			kinds.includes(target.type),
		);
		if (notifier === undefined) return unsupported(target.type);
		try {
			return await notifier.deliver(target, notification);
		} catch (error) {
			this.#onError(error);
			return retry(
				"The cloud met an error it had not foreseen; its log says more.",
			);
		}
	}
}
