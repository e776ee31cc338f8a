//! The course of a sprint: the loop over nodes, from a start or a resume to a wait or the end.

use super::sprint::Segment;
use super::{Execution, Halt, Pushed, ResumeError};
use crate::assets::Channel;
use crate::definition::Definition;
use crate::event::EventKind;
use crate::pairs::Pairs;
use crate::resume::{Resume, ResumeType};
use crate::router::wait::Wait;
use crate::session::{Input, Run, RunStatus, SessionStatus, Step};
use crate::stamp::Stamp;
use crate::trigger::TriggerType;
use base::phone;
use jiff::SignedDuration;
use std::sync::Arc;

/// The way out of a node that was chosen.
struct Chosen {
    exit: usize,
    operand: String,
}

impl Execution<'_> {
    fn take_input(&mut self, event: Option<&crate::event::HostEvent>) -> bool {
        let Some((event, msg)) = event.and_then(|e| Some((e, e.msg.as_ref()?))) else { return false };
        let now = self.now();
        let created_on = event.created_on.unwrap_or(now);
        let channel = msg.channel.as_ref().and_then(|c| self.state.assets.channel(&c.uuid)).map(Channel::reference);
        let uuid = event.uuid.unwrap_or_default();
        self.state.session.input = Some(Arc::new(Input::of(uuid, created_on, msg, channel)));
        self.state.contact.last_seen_on = Some(created_on);
        true
    }

    pub(crate) fn start(&mut self, flow: Arc<Definition>) -> Result<(), Halt> {
        let event = self.state.session.trigger.event.take();
        let has_input = self.take_input(event.as_ref());
        self.state.session.trigger.event = event;
        self.reevaluate_groups();
        self.pushed = Some(Pushed { flow, terminal: false });
        self.go_on(None, has_input)
    }

    /// Whether the wait takes the resume. What would fail the session is left to [`Execution::resume`].
    pub(crate) fn check_resume(&mut self, resume: &Resume) -> Result<(), ResumeError> {
        let Some(run) = self.state.session.waiting_run() else { return Err(ResumeError::NotWaiting) };
        self.state.run = run;
        let Some(flow) = self.state.load_flow(run) else { return Ok(()) };
        let node = self.run().path.last().and_then(|s| flow.place_of(&s.node_uuid));
        let wait = node.and_then(|n| flow.nodes[n].router.as_ref()).and_then(|r| r.wait.as_ref());
        match wait {
            Some(wait)
                if self.state.session.sprints < self.engine.options.max_sprints && !wait.accepts(resume.kind) =>
            {
                Err(ResumeError::NotAccepted { resume: resume.kind.as_str(), wait: wait.type_name() })
            }
            _ => Ok(()),
        }
    }

    fn fail_session(&mut self, text: impl Into<String>) {
        self.event(EventKind::Failure { text: text.into() });
        self.end_run(self.state.run, RunStatus::Failed);
        for run in 0..self.state.session.runs.len() {
            if matches!(self.state.session.runs[run].status, RunStatus::Active | RunStatus::Waiting) {
                self.end_run(run, RunStatus::Failed);
            }
        }
        self.state.session.status = SessionStatus::Failed;
    }

    pub(crate) fn resume(&mut self, resume: Resume) -> Result<(), Halt> {
        let Some(flow) = self.state.load_flow(self.state.run) else {
            self.fail_session("Can't resume run with missing flow asset");
            return Ok(());
        };
        let max = self.engine.options.max_sprints;
        if self.state.session.sprints >= max {
            self.fail_session(format!("Reached maximum number of sprints per session ({max})"));
            return Ok(());
        }
        let Some(step) = self.run().path.last() else {
            self.fail_session("Unable to find resume location: run has no location as path is empty");
            return Ok(());
        };
        let node_uuid = step.node_uuid;
        let Some(node) = flow.place_of(&node_uuid) else {
            self.fail_session(format!("Unable to find resume location: unable to find node with UUID {node_uuid}"));
            return Ok(());
        };
        if flow.nodes[node].router.as_ref().is_none_or(|r| r.wait.is_none()) {
            self.fail_session("Can't resume from node without a router or wait");
            return Ok(());
        }
        self.last_node = node_uuid;
        self.state.session.status = SessionStatus::Active;
        self.state.session.input = None;
        let kind = resume.kind;
        if self.take_input(resume.event.as_ref()) {
            self.run_mut().had_input = true;
        }
        self.state.resume = Some(resume);
        if kind == ResumeType::WaitExpiration {
            self.end_run(self.state.run, RunStatus::Expired);
        } else {
            self.run_mut().status = RunStatus::Active;
        }
        // Groups come after routing in the order of events, as the router's result may come first.
        let chosen = if self.run().status == RunStatus::Active {
            self.route_from(node, kind == ResumeType::WaitTimeout)
        } else {
            None
        };
        self.reevaluate_groups();
        self.go_on(chosen, false)
    }

    /// Evaluates the router of a node of the current run, or takes its only way.
    fn route_from(&mut self, node: usize, timed_out: bool) -> Option<Chosen> {
        let flow = self.flow();
        let node = flow.nodes.get(node)?;
        let Some(router) = &node.router else {
            return Some(Chosen { exit: 0, operand: String::new() });
        };
        let (exit, operand) = if timed_out { router.route_timeout(self) } else { router.route(self) };
        let Some(exit) = exit else {
            self.fail("Router failed to pick a category");
            return None;
        };
        Some(Chosen { exit, operand })
    }

    fn current_node(&self) -> Option<usize> {
        self.flow().place_of(&self.run().path.last()?.node_uuid)
    }

    fn go_on(&mut self, chosen: Option<Chosen>, has_input: bool) -> Result<(), Halt> {
        let mut chosen = chosen;
        let mut has_input = has_input;
        let mut steps = 0;
        loop {
            let mut destination = None;
            if let Some(pushed) = self.pushed.take() {
                if !self.push_run(pushed) {
                    return Ok(());
                }
                if std::mem::take(&mut has_input) {
                    self.run_mut().had_input = true;
                }
                destination = if self.flow().nodes.is_empty() { None } else { Some(0) };
            } else if let Some(chosen) = chosen.take() {
                destination = self.leave(chosen);
            }
            let Some(node) = destination else {
                let status = self.run().status;
                if matches!(status, RunStatus::Active | RunStatus::Waiting) {
                    self.end_run(self.state.run, RunStatus::Completed);
                } else if status == RunStatus::Failed {
                    self.announce_end(self.state.run);
                }
                let failed = self.run().status == RunStatus::Failed;
                let parent = self.run().parent_uuid;
                let parent = parent.and_then(|uuid| self.state.session.runs.iter().position(|r| r.uuid == uuid));
                match parent.filter(|p| self.state.session.runs[*p].status == RunStatus::Active) {
                    None => {
                        self.state.session.status =
                            if failed { SessionStatus::Failed } else { SessionStatus::Completed };
                        return Ok(());
                    }
                    Some(parent) => {
                        self.state.run = parent;
                        if self.state.load_flow(parent).is_none() {
                            self.fail("Can't resume run with missing flow asset");
                        } else if failed {
                            self.exit_run(parent, RunStatus::Failed);
                        } else if let Some(node) = self.current_node() {
                            chosen = self.route_from(node, false);
                        } else {
                            self.fail("Unable to find resume location: run has no location in its flow");
                        }
                    }
                }
                continue;
            };
            steps += 1;
            let max = self.engine.options.max_steps;
            if steps > max {
                self.fail(format!("Reached maximum number of steps per sprint ({max})"));
                continue;
            }
            chosen = self.visit(node)?;
            if self.state.session.status == SessionStatus::Waiting {
                return Ok(());
            }
        }
    }

    /// Starts a run of a flow; false when there are too many already.
    fn push_run(&mut self, pushed: Pushed) -> bool {
        let max = self.engine.options.max_runs;
        let count = self.state.session.runs.len();
        if count >= max {
            self.fail_session(format!("Reached maximum number of runs per session ({max})"));
            return false;
        }
        if pushed.terminal {
            for run in 0..count {
                if matches!(self.state.session.runs[run].status, RunStatus::Active | RunStatus::Waiting) {
                    self.end_run(run, RunStatus::Completed);
                }
            }
        }
        let parent_uuid = self.state.session.runs.get(self.state.run).map(|r| r.uuid);
        let (uuid, now) = (self.uuid(), self.now());
        let flow = pushed.flow.reference();
        self.state.session.runs.push(Run {
            uuid,
            flow: flow.clone(),
            path: Vec::new(),
            locals: Pairs::default(),
            results: Pairs::default(),
            status: RunStatus::Active,
            had_input: false,
            parent_uuid,
            webhook: None,
            created_on: now,
            modified_on: now,
            exited_on: None,
        });
        self.state.flows.push(Some(pushed.flow));
        self.state.run = count;
        let parent_uuid = parent_uuid.or_else(|| self.state.parent_summary().map(|s| s.uuid));
        self.event(EventKind::RunStarted { flow, run_uuid: uuid, parent_uuid, terminal: pushed.terminal });
        true
    }

    /// Takes an exit of the current node; gives the place of the next one.
    fn leave(&mut self, chosen: Chosen) -> Option<usize> {
        let flow = self.flow();
        let node = flow.nodes.get(self.current_node()?)?;
        let exit = node.exits.get(chosen.exit)?;
        let destination = exit.destination?;
        self.segments.push(Segment {
            flow_uuid: flow.uuid(),
            node_uuid: self.last_node,
            exit_uuid: exit.uuid,
            operand: chosen.operand,
            destination_uuid: flow.nodes[destination].uuid,
            time: self.now(),
        });
        Some(destination)
    }

    fn visit(&mut self, place: usize) -> Result<Option<Chosen>, Halt> {
        let flow = self.flow();
        let node = &flow.nodes[place];
        let step = Step { arrived_on: self.now(), node_uuid: node.uuid };
        self.run_mut().path.push(step);
        self.last_node = node.uuid;
        for action in &node.actions {
            action.execute(self)?;
            if self.run().status == RunStatus::Failed {
                self.pushed = None;
                return Ok(None);
            }
        }
        if self.pushed.is_some() {
            return Ok(None);
        }
        if let Some(wait) = node.router.as_ref().and_then(|r| r.wait.as_ref())
            && self.begin(wait, &flow)
        {
            self.run_mut().status = RunStatus::Waiting;
            self.state.session.status = SessionStatus::Waiting;
            return Ok(None);
        }
        Ok(self.route_from(place, false))
    }

    /// Begins a wait; false when it is skipped.
    fn begin(&mut self, wait: &Wait, flow: &Definition) -> bool {
        let now = self.sources.now;
        let after = |seconds: u64| {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX / 2);
            Stamp::utc(now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now))
        };
        match wait {
            Wait::Msg { timeout, hint } => {
                let session = &self.state.session;
                let first = session.runs.len() == 1 && session.runs[0].path.len() == 1;
                if session.trigger.kind == TriggerType::Msg && first {
                    return false;
                }
                let expires_on = after(flow.expire_after_minutes().saturating_mul(60));
                let timeout_seconds = timeout.as_ref().map(|t| t.seconds);
                self.event(EventKind::MsgWait { timeout_seconds, expires_on, hint: hint.clone() });
                true
            }
            Wait::Dial { phone: template, dial_limit_seconds, call_limit_seconds } => {
                let (text, _) = self.text(template);
                match phone::e164(text.trim(), self.env.default_country.as_deref()) {
                    None => {
                        self.error("not a possible number");
                        false
                    }
                    Some(number) => {
                        let (dial, call) = (*dial_limit_seconds, *call_limit_seconds);
                        let expires_on = after(u64::from(dial) + u64::from(call) + 30);
                        self.event(EventKind::DialWait {
                            urn: format!("tel:{number}"),
                            dial_limit_seconds: dial,
                            call_limit_seconds: call,
                            expires_on,
                        });
                        true
                    }
                }
            }
        }
    }

    /// Ends a run without telling of it yet.
    pub(super) fn exit_run(&mut self, run: usize, status: RunStatus) {
        let now = self.now();
        let run = &mut self.state.session.runs[run];
        run.status = status;
        run.exited_on = Some(now);
        run.modified_on = now;
    }

    fn announce_end(&mut self, run: usize) {
        let run = &self.state.session.runs[run];
        let (run_uuid, flow, status) = (run.uuid, run.flow.clone(), run.status);
        self.event(EventKind::RunEnded { run_uuid, flow, status });
    }

    fn end_run(&mut self, run: usize, status: RunStatus) {
        self.exit_run(run, status);
        self.announce_end(run);
    }
}
