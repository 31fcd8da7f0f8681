using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>A keeper of a run that is made of the shares of two workers: what is trained anew gets other bits, so what is on disk must never be gone back behind.</summary>
public sealed class KeeperShareTests
{
    private static readonly ParameterPiece[] Pieces = [new(1, 0, 10)];
    private static readonly CoordinatorName First = new("a:1", 7), Second = new("b:1", 8);

    [Fact]
    public void First_arrangement_begins_log_and_state_for_the_workers_that_are_there()
    {
        KeeperMachine machine = Machine();
        IReadOnlyList<KeeperEffect> effects = machine.Handle(new RangesWanted(ArrangementAt(3, 0)));
        Assert.Equal([new CreateFirstState(2), new BeginLog(2, 0)], effects.Take(2));
        Assert.Equal(2, effects.OfType<SupplyState>().Count());
        Assert.Equal(2, machine.Shares);
    }

    [Fact]
    public void Updates_are_logged_before_the_checkpoint_that_has_them_and_no_others()
    {
        KeeperMachine machine = Begun();
        machine.Handle(new UpdatesArrived(2, [Update(9, 0)]));
        machine.Handle(new UpdatesArrived(3, [Update(0, 0), Update(1, 2), Update(2, 3)]));
        List<KeeperEffect> effects = Save(machine, 3);
        Assert.Equal([0, 1], Assert.IsType<AppendToLog>(effects[0]).Updates.Select(update => update.Sequence));
        Assert.Equal(3, Assert.IsType<WriteState>(effects[1]).Progress.Step);
        Assert.Equal([2], Assert.IsType<AppendToLog>(Save(machine, 4)[0]).Updates.Select(update => update.Sequence));
    }

    [Fact]
    public void State_that_is_whole_after_its_coordinator_was_lost_becomes_a_checkpoint_that_the_next_one_hears_of()
    {
        KeeperMachine machine = Begun();
        machine.Handle(Last(3));
        machine.Handle(new CoordinatorGone(First));
        Assert.Contains(Receive(machine, 3), effect => effect is WriteState);

        // The next coordinator took the run as it was before that. What comes from there on would have other bits.
        machine.Handle(new RunAccepted(11, 2), Second);
        machine.Handle(ViewOf(ArrangementAt(8, 0)));
        Assert.Equal([new AnswerCoordinator(new StateKept(machine.Saved))], machine.Handle(new RangesWanted(ArrangementAt(8, 0))));
        Assert.Equal(3, machine.Saved.Step);
    }

    [Fact]
    public void Arrangement_that_goes_back_behind_the_log_is_refused_and_the_coordinator_told_what_is_kept()
    {
        KeeperMachine machine = Begun();
        Save(machine, 3);

        machine.Handle(ViewOf(ArrangementAt(8, 0)));
        Assert.Equal([new AnswerCoordinator(new StateKept(machine.Saved))], machine.Handle(new RangesWanted(ArrangementAt(8, 0))));
        machine.Handle(ViewOf(ArrangementAt(9, 3)));
        Assert.Contains(new BeginLog(2, 3), machine.Handle(new RangesWanted(ArrangementAt(9, 3))));
    }

    [Fact]
    public void Run_that_no_node_knows_goes_back_to_the_newest_checkpoint_also_if_its_coordinator_has_not_heard_of_it()
    {
        KeeperMachine machine = Begun();
        Save(machine, 3);
        Assert.True(machine.Handle(KeeperMachineTests.EpochOf(5)));
        machine.Handle(Last(5));
        machine.Handle(new CoordinatorGone(First));
        machine.Handle(new RunAccepted(11, 2), Second);

        // The second coordinator took the run with the checkpoint of step 3.
        Receive(machine, 5);
        IReadOnlyList<KeeperEffect> effects = machine.Handle(new RunMoves("no node knows it"), 12);
        Assert.Equal(new AnnounceRewind(new RunRewound(5, "no node knows it", MayDiffer: true)), effects[0]);
        OfferRun offer = Assert.IsType<OfferRun>(effects[^1]);
        Assert.Equal((12ul, 5L, (RunProgress?)null), (offer.Run, offer.Progress.Step, offer.Newest));
        Assert.False(machine.Handle(KeeperMachineTests.EpochOf(5)));
    }

    [Fact]
    public void Log_that_cannot_be_begun_ends_the_run() => Assert.Equal([new GiveUpRun("updates.jsonl: is a folder")], Begun().Handle(new LogFailed("updates.jsonl: is a folder")));

    private static KeeperMachine Machine()
    {
        RunShape shape = new()
        {
            Epochs = 2,
            StepsPerEpoch = 5,
            Shards = 4,
            Workers = 2,
            LearningRate = _ => 0.1,
            Sharing = new ShareRules(new ConsistencyRule(ConsistencyMode.Async, long.MaxValue, 0, 1), 80, 16, 4),
        };
        var machine = new KeeperMachine(shape, new StateShape(10, _ => 2, 0), RunProgress.Start, null, "keeper:1", ["a:1"]);
        machine.Begin(11);
        machine.Handle(new RunAccepted(11, 2), First);
        machine.Handle(ViewOf(ArrangementAt(3, 0)));
        return machine;
    }

    private static KeeperMachine Begun()
    {
        KeeperMachine machine = Machine();
        machine.Handle(new RangesWanted(ArrangementAt(3, 0)));
        return machine;
    }

    private static List<KeeperEffect> Save(KeeperMachine machine, long step, int arrangement = 3)
    {
        machine.Handle(Last(step));
        return Receive(machine, step, arrangement);
    }

    private static List<KeeperEffect> Receive(KeeperMachine machine, long step, int arrangement = 3) =>
        [.. Enumerable.Range(0, 2).SelectMany(vector => machine.Handle(new StateArrived(arrangement, step, vector, 0, 10)))];

    private static Arrangement ArrangementAt(int number, long step) => new(number, step, Pieces, 2);

    private static ViewPublished ViewOf(Arrangement arrangement) =>
        new(new View(arrangement.Number, [new(new WorkerId(1, 0), 0, 2), new(new WorkerId(2, 0), 2, 4)]) { Arrangement = arrangement });

    private static WriteCheckpoint Last(long step) => new(CheckpointKind.Last, RunProgress.Start with { Step = step }, 0);

    private static UpdateRecord Update(long sequence, long clock) => new(sequence, clock, 0, [new UpdatePart(0, 1, 0, 2)]);
}
