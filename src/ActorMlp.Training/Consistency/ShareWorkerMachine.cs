using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Consistency;

/// <summary>Compute a share, then hand in <see cref="ShareFinished"/>. One is under way at a time.</summary>
/// <param name="Work">Which.</param>
public sealed record ComputeShare(ShareWork Work) : WorkerEffect;

/// <summary>Send a result, and what was computed, to the parameter server.</summary>
/// <param name="Result">The result.</param>
public sealed record SendShare(ShareComputed Result) : WorkerEffect;

/// <summary>A worker of a run that is made of shares, decided: it computes what it is told to, one share after the other; more than its own only while another worker is lost.</summary>
/// <param name="self">Who this worker is.</param>
public sealed class ShareWorkerMachine(WorkerId self)
{
    private readonly Queue<ShareWork> waiting = [];
    private ShareWork? computing;
    private int arrangement;
    private int evaluation;

    /// <summary>A view: what the parameter server of an older arrangement ordered counts no more.</summary>
    public IReadOnlyList<WorkerEffect> Handle(ViewPublished message)
    {
        if (message.View.Arrangement.Number > arrangement)
        {
            arrangement = message.View.Arrangement.Number;
            waiting.Clear();
        }

        return [];
    }

    /// <summary>A share is to be computed.</summary>
    public IReadOnlyList<WorkerEffect> Handle(ShareWork message)
    {
        if (message.Arrangement < arrangement)
        {
            return [];
        }

        waiting.Enqueue(message);
        return StartNext();
    }

    /// <summary>A share is computed.</summary>
    public IReadOnlyList<WorkerEffect> Handle(ShareFinished message)
    {
        computing = null;
        IReadOnlyList<WorkerEffect> next = StartNext();
        return message.Work.Arrangement < arrangement ? next : [new SendShare(new ShareComputed(self, message.Work, message.Totals, message.NonFiniteLayer)), .. next];
    }

    /// <summary>Evaluate; the coordinator asks while the run holds.</summary>
    public IReadOnlyList<WorkerEffect> Handle(EvaluateBlocks message)
    {
        evaluation = message.Evaluation;
        return [new RunEvaluation(message)];
    }

    /// <summary>An evaluation is done; one that is over by now interests nobody.</summary>
    public IReadOnlyList<WorkerEffect> Handle(EvaluationFinished message) =>
        message.Result.Evaluation == evaluation ? [new SendEvaluation(message.Result)] : [];

    private IReadOnlyList<WorkerEffect> StartNext()
    {
        if (computing is not null || !waiting.TryDequeue(out computing))
        {
            return [];
        }

        return [new ComputeShare(computing)];
    }
}
