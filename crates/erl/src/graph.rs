//! What comes first: the order of things of which some must come before others.

use std::collections::BTreeSet;

/// A directed graph over `0..size`; an edge goes from what comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Graph {
    after: Vec<BTreeSet<usize>>,
    before: Vec<BTreeSet<usize>>,
}

impl Graph {
    pub(crate) fn new(size: usize) -> Self {
        Self { after: vec![BTreeSet::new(); size], before: vec![BTreeSet::new(); size] }
    }

    /// `first` comes before `then`; nothing comes before itself.
    pub(crate) fn add(&mut self, first: usize, then: usize) {
        if first != then {
            self.after[first].insert(then);
            self.before[then].insert(first);
        }
    }

    #[cfg(test)]
    pub(crate) fn remove(&mut self, first: usize, then: usize) {
        self.after[first].remove(&then);
        self.before[then].remove(&first);
    }

    pub(crate) fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        self.after.iter().enumerate().flat_map(|(first, then)| then.iter().map(move |then| (first, *then)))
    }

    fn size(&self) -> usize {
        self.after.len()
    }

    /// What hangs together, whichever way the edges go; each in order, the groups by their first member.
    pub(crate) fn components(&self) -> Vec<Vec<usize>> {
        let mut seen = vec![false; self.size()];
        let mut groups = Vec::new();
        for start in 0..self.size() {
            let mut group = Vec::new();
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                if !std::mem::replace(&mut seen[at], true) {
                    group.push(at);
                    open.extend(self.after[at].iter().chain(&self.before[at]));
                }
            }
            group.sort_unstable();
            groups.push(group);
        }
        groups.retain(|group| !group.is_empty());
        groups
    }

    /// Groups of which each member must come before each other one, for every node the number of its group. A node in no circle is a
    /// group of its own.
    pub(crate) fn circles(&self) -> Vec<usize> {
        let mut group = vec![usize::MAX; self.size()];
        let mut groups = 0;
        for start in self.finished().into_iter().rev() {
            let mut open = vec![start];
            let mut any = false;
            while let Some(at) = open.pop() {
                if group[at] == usize::MAX {
                    group[at] = groups;
                    any = true;
                    open.extend(&self.before[at]);
                }
            }
            groups += usize::from(any);
        }
        group
    }

    /// All nodes in the order in which a walk in depth is done with them; by hand, because a chain may be longer than the stack.
    fn finished(&self) -> Vec<usize> {
        let mut seen = vec![false; self.size()];
        let mut done = Vec::with_capacity(self.size());
        for start in 0..self.size() {
            let mut open = vec![(start, false)];
            while let Some((at, left)) = open.pop() {
                if left {
                    done.push(at);
                } else if !std::mem::replace(&mut seen[at], true) {
                    open.push((at, true));
                    open.extend(self.after[at].iter().map(|next| (*next, false)));
                }
            }
        }
        done
    }

    /// An order that every edge agrees with; where several may come next, the one with the smallest key does. Keys are asked for again
    /// as things are done: `key(node, done)`, where only the keys of `waiting(done)` can have changed.
    ///
    /// Edges within a circle must have been removed; what still is in one is left out.
    pub(crate) fn order<K: Ord + Clone>(
        &self,
        mut key: impl FnMut(usize) -> K,
        mut done: impl FnMut(usize) -> Vec<usize>,
    ) -> Vec<usize> {
        let mut missing: Vec<usize> = self.before.iter().map(BTreeSet::len).collect();
        let mut keys: Vec<Option<K>> = (0..self.size()).map(|_| None).collect();
        let mut ready = BTreeSet::new();
        let mut order = Vec::with_capacity(self.size());
        let mut fresh: Vec<usize> = (0..self.size()).filter(|node| missing[*node] == 0).collect();
        loop {
            for node in fresh.drain(..) {
                let key = key(node);
                keys[node] = Some(key.clone());
                ready.insert(Entry(key, node));
            }
            let Some(Entry(_, next)) = ready.pop_first() else { return order };
            keys[next] = None;
            order.push(next);
            for then in &self.after[next] {
                missing[*then] -= 1;
                if missing[*then] == 0 {
                    fresh.push(*then);
                }
            }
            for changed in done(next) {
                if let Some(old) = keys[changed].take() {
                    ready.remove(&Entry(old, changed));
                    fresh.push(changed);
                }
            }
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry<K>(K, usize);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph() -> impl Strategy<Value = Graph> {
        (1usize..12).prop_flat_map(|size| {
            prop::collection::vec((0..size, 0..size), 0..25).prop_map(move |edges| {
                let mut graph = Graph::new(size);
                edges.into_iter().for_each(|(first, then)| graph.add(first, then));
                graph
            })
        })
    }

    /// Can one come to `to` from `from`? By trying.
    fn reaches(graph: &Graph, from: usize, to: usize) -> bool {
        let mut known = BTreeSet::from([from]);
        while let Some(next) = graph.edges().find(|(a, b)| known.contains(a) && !known.contains(b)) {
            known.insert(next.1);
        }
        known.contains(&to)
    }

    proptest! {
        #[test]
        fn circles_are_what_can_be_reached_both_ways(graph in graph()) {
            let circles = graph.circles();
            for a in 0..graph.size() {
                for b in 0..graph.size() {
                    prop_assert_eq!(circles[a] == circles[b], reaches(&graph, a, b) && reaches(&graph, b, a));
                }
            }
        }

        #[test]
        fn without_circles_the_order_has_everything_and_agrees_with_every_edge(mut graph in graph(), keys in prop::collection::vec(any::<u8>(), 12)) {
            let circles = graph.circles();
            let within: Vec<_> = graph.edges().filter(|(a, b)| circles[*a] == circles[*b]).collect();
            within.into_iter().for_each(|(a, b)| graph.remove(a, b));
            let order = graph.order(|node| keys[node], |_| Vec::new());
            let place = |node| order.iter().position(|at| *at == node).unwrap();
            prop_assert_eq!(order.len(), graph.size());
            prop_assert!(graph.edges().all(|(first, then)| place(first) < place(then)));
            let joined: Vec<usize> = graph.components().concat();
            prop_assert_eq!(joined.iter().collect::<BTreeSet<_>>().len(), graph.size());
        }
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let mut graph = Graph::new(200_000);
        (1..200_000).for_each(|node| graph.add(node - 1, node));
        assert_eq!(graph.order(|node| node, |_| Vec::new()).len(), 200_000);
        assert_eq!(graph.components().len(), 1);
        assert_eq!(graph.circles().into_iter().collect::<BTreeSet<_>>().len(), 200_000);
    }
}
