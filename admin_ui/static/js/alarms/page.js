// The alarms page: current alarms, mutes, and the history.

import { text } from "../lib/dom.js";
import { moment } from "../lib/format.js";
import { request } from "../lib/request.js";
import { EndedAlarms } from "./ended.js";
import { AlarmHistory } from "./history.js";
import { AlarmList } from "./list.js";
import { MuteDialog, Mutes } from "./mutes.js";
import { TellSettings } from "./tell_settings.js";

const find = (id) => document.getElementById(id);
const operator = document.body.dataset.role !== "viewer";

/** Fill the page from the stream. */
export function start(stream) {
  const dialog = new MuteDialog();
  const names = () => stream.state.substations.map((row) => row.substation_id);
  const orders = {
    acknowledge: async (alarm) => showFailure((await request("POST", `/api/alarms/${alarm.id}/ack`)).message),
    mute: (alarm) => dialog.open(alarm, names()),
  };
  const calling = new AlarmList(find("calling"), find("calling-title"), orders);
  const muted = new AlarmList(find("muted"), find("muted-title"), orders);
  const mutes = new Mutes(showFailure);
  const history = new AlarmHistory();
  const ended = new EndedAlarms((ids) => acknowledge(ids));
  const settings = new TellSettings();
  const all = find("acknowledge-all");
  all.addEventListener("click", () => acknowledgeAll(stream));
  find("mute-open").addEventListener("click", () => dialog.open(null, names()));
  const show = () => {
    if (!stream.state) return;
    const { alarms } = stream.state;
    const enabled = operator && stream.live;
    const now = Date.now() / 1000 + history.aheadS;
    calling.show(alarms.calling.filter(active), now, enabled);
    ended.show(alarms, now, enabled);
    settings.show(alarms.webhook);
    muted.show(alarms.muted, now, enabled);
    mutes.show(alarms.mutes, now, enabled);
    history.show(alarms.version);
    showNotices(alarms);
    const waiting = alarms.calling.some((alarm) => alarm.acknowledged_unix_s === null);
    if (!waiting && document.activeElement === all) find("calling-title").focus();
    all.disabled = !enabled || !waiting;
    find("mute-open").disabled = !enabled;
  };
  stream.addEventListener("state", show);
  stream.addEventListener("link", show);
  setInterval(show, 1000); // times go on while nothing happens
}

function acknowledgeAll(stream) {
  return acknowledge(stream.state.alarms.calling.filter((alarm) => alarm.acknowledged_unix_s === null).map((alarm) => alarm.id));
}

async function acknowledge(ids) {
  showFailure((await request("POST", "/api/alarms/ack", { ids })).message);
}

function active(alarm) {
  return alarm.cleared_unix_s === null;
}

function showFailure(message) {
  text(find("alarm-failed"), message);
  find("alarm-failed").hidden = !message;
}

function showNotices(alarms) {
  const { counts, webhook } = alarms;
  find("alarm-webhook").hidden = !webhook?.why;
  if (webhook?.why) text(find("alarm-webhook"), `◆ The receiver of alarms has not taken them since ${moment(webhook.failing_unix_s * 1000)} (${webhook.why}). ${webhook.waiting} wait. Check ALARM_WEBHOOK_URL and the receiver.`);
  const calls = alarms.calling.some(active);
  find("calling-empty").hidden = calls;
  text(find("calling-empty"), !alarms.judged ? "The console has just started and is checking for alarms." : `No ${alarms.calling.length ? "active " : ""}alarms. ${alarms.rules} rules are checked every second. New alarms appear here and in the header of every page.`);
  const left = counts.critical + counts.warning + counts.cleared - alarms.calling.length;
  find("calling-more").hidden = left <= 0;
  text(find("calling-more"), `${left} more not shown. They appear as the alarms above are acknowledged or cleared.`);
  text(find("mutes-empty"), "Nothing is muted.");
  find("mutes-empty").hidden = alarms.mutes.length > 0 || alarms.muted.length > 0 || Boolean(alarms.rush);
  find("mute-rush").hidden = !alarms.rush;
  text(find("mute-rush"), `Warnings raised during the rush hour ${alarms.rush} are muted. Critical alarms and earlier warnings are not muted.`);
  text(find("alarm-rate"), `${alarms.raised_in_10_min} raised in the last 10 minutes${alarms.raised_muted_in_10_min ? `, ${alarms.raised_muted_in_10_min} of them muted` : ""}`);
  find("alarm-flood").hidden = !alarms.flood;
  text(find("alarm-flood"), `▲ Alarm flood: more than 10 alarms in 10 minutes, too many for one person to handle. `
    + "Start with the critical alarms, from the top. Mute known problems.");
}
