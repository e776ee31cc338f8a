//! Trees of places from pairs, sound or not.

use base::place::{Fault, PlaceTree, join_path, split_path};
use proptest::prelude::*;

fn tree(pairs: &[(&'static str, &'static str)]) -> (PlaceTree<&'static str>, Vec<Fault<&'static str>>) {
    PlaceTree::build(pairs.iter().map(|(id, parent)| (*id, (!parent.is_empty()).then_some(*parent))))
}

#[test]
fn within_is_a_range() {
    let (tree, faults) =
        tree(&[("suakoko", "bong"), ("lr", ""), ("nimba", "lr"), ("bong", "lr"), ("phebe", "suakoko")]);
    assert_eq!(faults, []);
    let order: Vec<_> = tree.iter().map(|(id, span)| (*id, span.left, span.right, span.depth)).collect();
    assert_eq!(
        order,
        [("lr", 0, 4, 0), ("bong", 1, 3, 1), ("suakoko", 2, 3, 2), ("phebe", 3, 3, 3), ("nimba", 4, 4, 1)]
    );
    assert!(tree.within(&"phebe", &"bong") && tree.within(&"bong", &"bong"));
    assert!(!tree.within(&"nimba", &"bong") && !tree.within(&"bong", &"phebe") && !tree.within(&"nowhere", &"bong"));
    assert_eq!(tree.upwards(&"phebe").copied().collect::<Vec<_>>(), ["phebe", "suakoko", "bong", "lr"]);
    assert_eq!(tree.subtree(&"bong").copied().collect::<Vec<_>>(), ["bong", "suakoko", "phebe"]);
    assert_eq!(tree.subtree(&"nowhere").count(), 0);
}

#[test]
fn faults_are_reported_and_the_tree_stands() {
    let (tree, faults) =
        tree(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "gone"), ("f", "f"), ("d", "e"), ("d", "a")]);
    assert_eq!(
        faults,
        [
            Fault::TwoParents { place: "d", ignored: Some("e") },
            Fault::Orphan { place: "e", parent: "gone" },
            Fault::Cycle { places: vec!["a", "b", "c"] },
            Fault::Cycle { places: vec!["f"] },
        ]
    );
    assert_eq!(tree.len(), 6);
    assert!(tree.within(&"c", &"a") && tree.within(&"d", &"a") && !tree.within(&"a", &"b"));
    assert_eq!(tree.parent(&"e"), None);
}

#[test]
fn paths() {
    assert_eq!(join_path(["Liberia", " Bong ", "", "Suakoko"]), "Liberia > Bong > Suakoko");
    assert_eq!(split_path("Liberia >Bong > ").collect::<Vec<_>>(), ["Liberia", "Bong"]);
}

proptest! {
    #[test]
    fn the_range_test_is_the_walk_upwards(pairs in proptest::collection::vec((0_u8..30, proptest::option::of(0_u8..30)), 0..60)) {
        let (tree, _) = PlaceTree::build(pairs.iter().copied());
        let ids: Vec<u8> = tree.iter().map(|(id, _)| *id).collect();
        let distinct: std::collections::BTreeSet<u8> = pairs.iter().map(|(id, _)| *id).collect();
        prop_assert_eq!(ids.len(), distinct.len());
        for place in &ids {
            for above in &ids {
                prop_assert_eq!(tree.within(place, above), tree.upwards(place).any(|id| id == above));
            }
        }
        let mut reversed = std::collections::BTreeMap::new();
        for (id, parent) in &pairs {
            reversed.entry(*id).or_insert(*parent);
        }
        let (again, _) = PlaceTree::build(reversed.into_iter().rev());
        prop_assert!(again.iter().eq(tree.iter()));
    }
}
