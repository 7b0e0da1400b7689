import type {
	AlertEvent,
	AlertRule,
	AlertState,
	AlertStore,
	PushSubscription,
} from "../alerts/ports.ts";

/** An AlertStore in memory. @param check is called before each write, and throws where that is to fail */
export function memoryAlerts(check: () => void): AlertStore {
	const rules = new Map<string, AlertRule>();
	const states = new Map<string, AlertState>();
	const events = new Map<string, AlertEvent>();
	const subscriptions = new Map<string, PushSubscription>();
	return {
		async putRule(rule) {
			check();
			rules.set(rule.id, rule);
		},
		async getRule(id) {
			return rules.get(id) ?? null;
		},
		async listRules() {
			return [...rules.values()].sort(
				(a, b) => compare(a.name, b.name) || compare(a.id, b.id),
			);
		},
		async deleteRule(id) {
			check();
			rules.delete(id);
			for (const [key, { ruleId }] of states) {
				if (ruleId === id) states.delete(key);
			}
		},
		async getState(ruleId, device) {
			return states.get(`${ruleId}/${device}`) ?? null;
		},
		async listStates(device) {
			return [...states.values()]
				.filter((state) => device === undefined || state.device === device)
				.sort(
					(a, b) => compare(a.device, b.device) || compare(a.ruleId, b.ruleId),
				);
		},
		async putState(state) {
			check();
			const key = `${state.ruleId}/${state.device}`;
			if ((states.get(key)?.version ?? 0) !== state.version - 1) return false;
			states.set(key, state);
			return true;
		},
		async due(nowMs, limit) {
			return [...states.values()]
				.filter(({ dueMs }) => dueMs !== null && dueMs <= nowMs)
				.sort((a, b) => (a.dueMs ?? 0) - (b.dueMs ?? 0))
				.slice(0, limit);
		},
		async putEvent(event) {
			check();
			events.set(event.id, event);
		},
		async listEvents({ limit, after, device }) {
			return [...events.values()]
				.filter(
					(event) =>
						(after === undefined || event.id < after) &&
						(device === undefined || event.device === device),
				)
				.sort((a, b) => compare(b.id, a.id))
				.slice(0, limit);
		},
		async putSubscription(subscription) {
			check();
			const { subject, id } = subscription;
			subscriptions.set(`${subject}/${id}`, subscription);
		},
		async listSubscriptions(subject) {
			return [...subscriptions.values()]
				.filter((one) => one.subject === subject)
				.sort((a, b) => a.createdMs - b.createdMs || compare(a.id, b.id));
		},
		async deleteSubscription(subject, id) {
			check();
			subscriptions.delete(`${subject}/${id}`);
		},
	};
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
