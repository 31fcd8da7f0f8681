using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Machines;

/// <content>How a run goes on when its coordinator is lost: training needs none, so the next one finds out from the parameter servers where the run stands.</content>
public sealed partial class CoordinatorMachine
{
    /// <summary>Views of one coordinator; the next begins at a multiple of it, so that nothing that its predecessor may still say counts.</summary>
    private const int ViewsOfTerm = 1 << 16;

    /// <summary>
    /// Takes a run over. Where what the nodes know does not say all (an epoch ended, and nobody who is left was told its figures), it goes back to its last
    /// checkpoint.
    /// </summary>
    public IReadOnlyList<CoordinatorEffect> Handle(RunRecovered message, TimeSpan now)
    {
        servers.UnionWith(message.Servers);
        view = message.View with { Number = FirstViewAfter(Math.Max(message.View.Number, lastView)) };
        foreach (WorkerId worker in message.Workers)
        {
            members[worker.Number] = worker;
            accounts.TryAdd(worker.Number, new WorkerAccount());
            joinedIn[worker] = message.Newcomers.Contains(worker) ? view.Number : 0;
        }

        evaluations = view.Number;
        lastHeard = latest = now;
        if (shape.Sharing is not null || !message.AreReady || CatchUp(message) is not { } caughtUp)
        {
            phase = Phase.Settling;
            return Rewind("the coordinator was lost", now);
        }

        List<CoordinatorEffect> effects =
        [
            .. caughtUp,
            new Notify(new CoordinatorTookOver(progress.Step)),
            new PublishView(new ViewPublished(view, progress.Step)),
            .. ReportWorkers(),
        ];
        bool held = message.Continued < progress.Step
            && (shape.HoldsAfter(progress.Step)
                || progress.Step == view.Arrangement.Step
                || message.Commits is [.., { Held: true } last] && last.Step == progress.Step - 1);
        if (!held)
        {
            phase = Phase.Training;
            clock.Start(now);
            effects.AddRange(Repeat());
        }
        else if (progress.Step == message.Newest.Step)
        {
            if (saving is not null)
            {
                effects.Add(new TellParameterServer(new WriteCheckpoint(CheckpointKind.Last, saving, saved.Step)));
            }

            effects.AddRange(Begin(now));
        }
        else
        {
            effects.AddRange(DoWhatItHoldsFor(now));
        }

        return effects;
    }

    /// <summary>No node has begun a run that is taken over: it begins from its last checkpoint, as soon as nodes are gathered.</summary>
    public void Handle(RunNotBegun message) => rewound = new RunRewound(progress.Step, message.Reason, shape.LeavesOrderOpen);

    private static int FirstViewAfter(int last) => last == 0 ? 0 : (last / ViewsOfTerm + 1) * ViewsOfTerm;

    /// <summary>Enters what was committed since the newest progress that is known; null if that is not all there is to know.</summary>
    private List<CoordinatorEffect>? CatchUp(RunRecovered message)
    {
        progress = message.Newest;
        saving = message.Newest.Step != saved.Step ? message.Newest : null;

        List<CoordinatorEffect> effects =
        [
            .. message.Views.Where(known => known.Number > lastView).DistinctBy(known => known.Number).OrderBy(known => known.Number)
                .Select(known => new Notify(new ViewStands(known))),
        ];
        foreach (StepCommitted commit in message.Commits.Where(commit => commit.Step >= message.Newest.Step))
        {
            if (commit.Step != progress.Step || (EndsNewEpoch() && !PassEnd()))
            {
                return null;
            }

            effects.Add(Enter(commit));
        }

        return message.Continued > progress.Step || (message.Continued == progress.Step && EndsNewEpoch() && !PassEnd()) ? null : effects;

        bool EndsNewEpoch() => shape.EndsEpoch(progress.Step) && progress.Step != message.Newest.Step;

        // An epoch's end that is passed has figures. They went with the old coordinator, unless servers were told them with the order for its state.
        bool PassEnd()
        {
            if (message.Epochs.FirstOrDefault(end => end.Step == progress.Step) is not { } end)
            {
                return false;
            }

            progress = end with { Ledger = progress.Ledger };
            effects.Add(TellEpoch(latest));
            effects.Add(Save(CheckpointKind.Last));
            return true;
        }
    }
}
